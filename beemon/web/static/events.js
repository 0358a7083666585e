// What happened: the latest five findings and events, or all of a month; and the news at the top.

import { ageOf, date, english, fill, find, instant, known, make, moment, now, quantity, say, word } from "./base.js";
import { perform } from "./actions.js";
import { body, daysAgo, isOwner, nothing, part, renew } from "./hive.js";
import { ask } from "./server.js";

const FEW = 5;
const DAYS = 30;
const NEWS_MS = 2 * 86400e3;
const PRESSING = ["tipped", "lighter"];
const TOLD = ["finding", "label"];
let isAll = false;

export const on = ["event"];
export const every = 300;

/** Ask for the findings and the events, and list them, the latest first. */
export async function refresh() {
  const since = daysAgo(DAYS);
  const [{ events }, { findings }] = await Promise.all([ask("events", { since, most: isAll ? 500 : FEW }), ask("findings", { since })]);
  showNews(findings);
  const list = [...events.filter(({ kind }) => !TOLD.includes(kind)), ...findings].sort((a, b) => timeOf(b) - timeOf(a));
  const items = (isAll ? list : list.slice(0, FEW)).map(item);
  const more = make("button", {
    type: "button", "aria-expanded": String(isAll), text: word(isAll ? "events.few" : "events.all"),
    onclick: () => { isAll = !isAll; renew("events"); },
  });
  const all = items.length < FEW && !isAll ? "" : more;
  fill(body("events"), items.length ? make("ul", { class: "list" }, ...items) : nothing(word("events.none")), all);
}

const timeOf = (one) => instant(one.told ?? one.utc);

/** Show the newest sentences: a finding that may need its reader at once, or the sum of a day. */
function showNews(findings) {
  const isNews = ({ kind, stage }) => kind === "day" || stage === "first" || (PRESSING.includes(kind) && stage === "stands");
  const last = findings.filter(isNews).sort((a, b) => timeOf(a) - timeOf(b)).at(-1);
  say(find("news"), last && now() - timeOf(last) < NEWS_MS ? `${date(instant(last.from))}: ${last.says}` : "");
}

function item(one) {
  const at = timeOf(one);
  const doubt = one.clock === "unsure" ? ` (${word("clock.unsure")})` : "";
  return make("li", {}, make("strong", { text: known("kind", one.says ? "finding" : one.kind) }), " ",
    make("span", { class: "when" }, `${moment(at)}${doubt}, `, ageOf(at)), make("br"), ...(one.says ? told(one) : [english(one.message)]));
}

/** Return a finding: its sentences, its stage, and its reasons. */
function told(one) {
  const { stage } = one;
  const rows = [["finding.for", one.for], ["finding.against", one.against], ["finding.unknown", one.unknown]]
    .flatMap(([key, sentences]) => (sentences.length ? [make("dt", { text: word(key) }), ...sentences.map((text) => english(text, "dd"))] : []));
  const numbers = one.measured.flatMap(({ name, value, unit, uncertainty, n }) => [english(name.replaceAll("_", " "), "dt"),
    make("dd", { text: quantity(value, unit, uncertainty) + (n ? ` (n=${n})` : "") })]);
  return [english(one.says, stage === "withdrawn" ? "s" : "span"), stage === "stands" ? null : ` ${word(`finding.${stage}`)}`,
    part("finding.why", make("dl", {}, ...rows, ...numbers), one.finding), ...answers(one)];
}

/** Return the beekeeper's word on a swarm, or the owner's buttons to give it. */
function answers({ finding, kind, label, stage }) {
  if (label) return [`✔ ${word(`swarm.${label}`)}`];
  if (!isOwner() || kind !== "swarm" || stage === "withdrawn") return [];
  return ["yes", "no"].map((text) => make("button", { type: "button", text: word(`swarm.${text}`), onclick: ({ target }) => perform(target, `swarm ${finding} ${text}`) }));
}
