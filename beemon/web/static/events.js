// What happened: the latest five events, or all of a month.

import { ageOf, english, fill, instant, known, make, moment, word } from "./base.js";
import { body, daysAgo, nothing, renew } from "./hive.js";
import { ask } from "./server.js";

const FEW = 5;
const DAYS = 30;
let isAll = false;

export const on = ["event"];
export const every = 300;

/** Ask for the events and list them, the latest first. */
export async function refresh() {
  const { events } = await ask("events", { since: daysAgo(DAYS), most: isAll ? 500 : FEW });
  const list = [...events].reverse();
  const items = (isAll ? list : list.slice(0, FEW)).map(item);
  const more = make("button", {
    type: "button", "aria-expanded": String(isAll), text: word(isAll ? "events.few" : "events.all"),
    onclick: () => { isAll = !isAll; renew("events"); },
  });
  const all = items.length < FEW && !isAll ? "" : more;
  fill(body("events"), items.length ? make("ul", { class: "list" }, ...items) : nothing(word("events.none")), all);
}

function item(event) {
  const at = instant(event.utc);
  const doubt = event.clock === "unsure" ? ` (${word("clock.unsure")})` : "";
  return make("li", {}, make("strong", { text: known("kind", event.kind) }), " ",
    make("span", { class: "when" }, `${moment(at)}${doubt}, `, ageOf(at)), make("br"), english(event.message));
}
