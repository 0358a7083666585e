// What the page knows of the hive, shared by its sections.

import { day, english, find, make, memory, now, reason, setClock, show, word } from "./base.js";
import { ask, Refusal } from "./server.js";

/** The session, the last reply to each question, and whether the recorder answers. */
export const hive = { session: { role: "nobody" }, status: null, reached: false, since: null, trouble: null, readings: null };

/** Whether the reader may hear, see and command. */
export const isOwner = () => hive.session.role === "owner";

/** Ask how the hive is doing. The last status stays if the recorder does not answer. */
export async function readStatus() {
  const reply = await ask("status");
  hive.reached = reply.reached;
  hive.trouble = reply.reached ? null : reply;
  hive.since = reply.since ?? null;
  if (reply.status) hive.status = reply.status;
  if (reply.zone || reply.now) setClock(reply.zone ?? hive.status?.zone ?? "UTC", reply.now);
}

/** Ask for the latest reading of each quantity. */
export async function readReadings() {
  hive.readings = (await ask("readings")).readings;
}

/** Make sure that the devices are known. Raises `Refusal`: the recorder has not answered yet. */
export function needStatus() {
  if (!hive.status) throw new Refusal(503, hive.trouble ?? {});
}

/** Make sure that the readings are known. Raises `Refusal`. */
export async function needReadings() {
  if (!hive.readings) await readReadings();
}

const measured = () => hive.readings ?? [];

/** Return the names of the devices of a kind, such as camera. */
export const devices = (kind) => Object.keys(hive.status?.devices ?? {})
  .filter((name) => name.startsWith(`${kind}.`)).sort();

/** Return a name for one quantity of one sensor, and the reading with that name. */
export const nameOf = (reading) => `${reading.sensor} ${reading.quantity}`;
export const reading = (name) => measured().find((one) => nameOf(one) === name);

/** Return the reading that the reader chose of a kind, else the first of some. */
export const chosen = (kind, readings) => readings.find((one) => nameOf(one) === memory.get(kind)) ?? readings[0];

const isOutside = (one) => /out|air|ambient|cpu|roof/.test(nameOf(one));

/** Return the readings of weights, of brood temperatures (the likeliest first), of traffic.
 * A camera sees but some minutes of it. */
export const weights = () => measured().filter((one) => /weight/.test(one.quantity) && /^k?g$/.test(one.unit));
export const temperatures = () => measured().filter((one) => one.unit === "°C" && !/cpu/.test(one.quantity));
export const broods = () => temperatures().filter((one) => !isOutside(one))
  .sort((a, b) => /brood/.test(b.sensor) - /brood/.test(a.sensor));
export const traffics = () => measured().filter((one) => /^sensor.*bees_in$/.test(nameOf(one)));

/** Return a series of one quantity, with its times in seconds. */
export const series = (name, since, points, until) => {
  const [device, quantity] = name.split(" ");
  return ask("series", { device, quantity, since, until, points });
};

/** Return what `since` takes for so many days ago. */
export const daysAgo = (count) => day(now() - count * 86400e3);

/** Say in a section's body that there is nothing to show, and why. */
export const nothing = (text) => make("p", { class: "nothing", text });

/** Return an element that says why a value is missing. */
export const missing = (name) => make("span", { class: "missing", text: word("value.missing", { reason: reason(name) }) });

const open = new Set();

/** Return a part that opens and stays as the reader left it. */
export function part(title, content, key = title) {
  return make("details", { open: open.has(key), ontoggle: ({ target }) => (target.open ? open.add(key) : open.delete(key)) },
    make("summary", { text: word(title) }), content);
}

/** Ask for a section to be read again, because the reader chose something. */
export const renew = (name) => document.dispatchEvent(new CustomEvent("renew", { detail: name }));

/** Return a refusal in words: what is wrong, and what to do. */
export const advice = ({ message, remedy }) => [message, remedy].filter(Boolean).join(" ");

/** Show a section's problem; what it showed before stays. */
export function complain(section, error) {
  const place = section.querySelector(":scope>.problem") ?? make("p", { class: "problem", role: "status" });
  if (!place.isConnected) section.querySelector("h2").after(place);
  show(place, Boolean(error));
  if (!error) return;
  if (!("status" in error)) console.error(error);
  const said = error.status === 0 ? word("page.unreachable") : word("page.unanswered");
  place.replaceChildren(said, " ", english(advice(error)));
}

/** Return the body of a section. */
export const body = (id) => find(id).querySelector(".body");
