// The four tiles: weight, brood temperature, traffic, and the last picture and sound.

import { ageOf, day, fill, find, hour, instant, isThere, known, length, make, memory, moment, now, number, quantity, selector, word } from "./base.js";
import { broods, chosen, daysAgo, devices, isOwner, missing, nameOf, needStatus, nothing, readReadings, renew, series, traffics, weights } from "./hive.js";
import { enlarge, isKept, recordings } from "./media.js";
import { address, ask } from "./server.js";

/** The temperatures that brood needs, in °C. */
export const BAND = [34, 36];
const SCALE = [28, 40];

export const on = ["reading", "job"];
export const every = 120;

/** Ask for the readings and show the tiles; one that fails costs no other. */
export async function refresh() {
  await readReadings();
  const failures = (await Promise.allSettled([showWeight(), showBrood(), showTraffic(), showMedia()]))
    .filter((one) => one.status === "rejected");
  if (failures.length) throw failures[0].reason;
}

function choice(kind, readings, one) {
  return selector(word("tiles.which"), readings.map((each) => [nameOf(each), nameOf(each)]), nameOf(one), (name) => {
    memory.set(kind, name);
    renew("tiles");
  });
}

/** Return the parts of a value: the number with its uncertainty, or the reason; and its age. */
function value(one) {
  const at = instant(one.utc);
  const shown = !isThere(one.value) ? missing(one.reason)
    : make("span", { class: "value", text: quantity(one.value, one.unit, one.uncertainty) });
  const doubt = one.quality && one.quality !== "good" ? ` · ${known("quality", one.quality)}` : "";
  return make("p", {}, shown, " ", make("span", { class: "when" }, ageOf(at), doubt));
}

async function showWeight() {
  const place = find("tile-weight");
  const all = weights();
  if (!all.length) return fill(place, nothing(word("weight.none")));
  const one = chosen("weight", all);
  const { days, unit } = await ask("gains", { device: one.sensor, quantity: one.quantity, since: daysAgo(7) });
  const today = days.find((each) => each.day === day(now()));
  fill(place, value(one),
    make("p", {}, `${word("weight.today")} `, gain(today ? [today] : [], unit)),
    make("p", {}, `${word("weight.week")} `, gain(days, unit)), choice("weight", all, one) ?? "");
}

/** Return the sum of some days' gains, and what is not in it. */
function gain(days, unit) {
  const there = days.filter((one) => isThere(one.gain));
  if (!there.length) return missing("missing");
  const sum = there.reduce((total, one) => total + one.gain, 0);
  const sigma = Math.sqrt(there.reduce((total, one) => total + (one.uncertainty ?? 0) ** 2, 0));
  const left = [...new Set(days.flatMap((one) => one.left_out))].filter((one) => one !== "missing").map((one) => known("leftout", one));
  const lacking = days.length - there.length;
  if (lacking) left.unshift(word("weight.lacking", { count: number(lacking) }));
  return make("span", {}, make("strong", { text: quantity(sum, unit, sigma || null, true) }),
    left.length ? make("small", { text: ` (${left.join(", ")})` }) : "");
}

async function showBrood() {
  const place = find("tile-brood");
  const all = broods();
  if (!all.length) return fill(place, nothing(word("brood.none")));
  const one = chosen("brood", all);
  const found = await series(nameOf(one), daysAgo(1), 600);
  fill(place, value(one), meter(one.value), make("p", { text: since(found, one) }),
    choice("brood", all, one) ?? "");
}

/** Return a bar with the band of brood and the value in it; its text stands beside it. */
function meter(degrees) {
  const part = (at) => `${Math.min(Math.max((at - SCALE[0]) / (SCALE[1] - SCALE[0]), 0), 1) * 100}%`;
  const band = make("span", { class: "band" });
  band.style.left = part(BAND[0]);
  band.style.right = `calc(100% - ${part(BAND[1])})`;
  const bar = make("div", { class: "meter", "aria-hidden": "true" }, band);
  if (!isThere(degrees)) return bar;
  const needle = make("span", { class: "needle" });
  needle.style.left = part(degrees);
  bar.append(needle);
  return bar;
}

/** Return the band in words. */
export const bandName = () => `${number(BAND[0])}–${quantity(BAND[1], "°C").replace(/[.,]0/, "")}`;

const isInBand = (degrees) => degrees >= BAND[0] && degrees <= BAND[1];

/** Return since when a temperature has been on this side of the band. */
function since({ utc, value: values }, one) {
  const band = bandName();
  if (!isThere(one.value)) return word("brood.band", { band });
  const side = isInBand(one.value);
  const key = side ? "brood.inside" : one.value < BAND[0] ? "brood.below" : "brood.above";
  let first = null;
  for (let index = values.length - 1; index >= 0; index--) {
    if (values[index] === null) continue;
    if (isInBand(values[index]) !== side) {
      return word(key, { band, since: word("value.since", { time: hour((first ?? utc[index]) * 1000) }) });
    }
    first = utc[index];
  }
  return word(key, { band, since: first === null ? "" : word("value.longer", { time: moment(first * 1000) }) });
}

async function showTraffic() {
  const place = find("tile-traffic");
  const all = traffics();
  if (!all.length) return fill(place, nothing(word("traffic.none")));
  const one = chosen("traffic", all);
  const rows = await Promise.all([["traffic.hour", "1h"], ["traffic.yesterday", "25h", "24h"]].map(async ([key, since, until]) => {
    const counts = await Promise.all(["bees_in", "bees_out"].map(async (name) => sum(await series(`${one.sensor} ${name}`, since, 5000, until))));
    return make("p", {}, `${word(key)} `, ...(counts.includes(null) ? [missing("missing")]
      : [make("strong", { text: word("traffic.counts", { in: number(counts[0]), out: number(counts[1]) }) })]));
  }));
  const problem = isThere(one.value) ? "" : missing(one.reason);
  fill(place, ...rows, make("p", { class: "when" }, ageOf(instant(one.utc)), " ", problem), choice("traffic", all, one) ?? "");
}

/** Return the sum of a series' values; null if nothing was measured. */
function sum({ value: values }) {
  const there = values.filter((value) => value !== null);
  return there.length ? there.reduce((a, b) => a + b) : null;
}

let shownMedia = "";

async function showMedia() {
  const place = find("tile-media");
  if (!isOwner()) return fill(place, nothing(word("media.owner")));
  needStatus();
  const [picture, sound] = await Promise.all([latest("camera"), latest("microphone")]);
  const jobs = JSON.stringify([picture?.job, sound?.job]);
  const isPlaying = place.querySelector("audio")?.paused === false;
  if ((jobs === shownMedia && place.childElementCount) || isPlaying) return;
  shownMedia = jobs;
  fill(place, picture ? pictured(picture) : nothing(word(devices("camera").length ? "media.no.picture" : "media.no.camera")),
    sound ? heard(sound) : nothing(word(devices("microphone").length ? "media.no.sound" : "media.no.microphone")));
}

/** Return the last good recording of all devices of a kind, of today or yesterday. */
async function latest(kind) {
  for (const at of [now(), now() - 86400e3]) {
    const lists = await Promise.all(devices(kind).slice(0, 8).map((device) => recordings(device, day(at))));
    const good = lists.flat().filter(isKept);
    if (good.length) return good.reduce((a, b) => (instant(a.utc) > instant(b.utc) ? a : b));
  }
  return null;
}

function pictured(one) {
  const source = address(`recordings/${one.job}/picture`);
  const label = word("media.picture", { device: one.device, time: moment(instant(one.utc)) });
  const picture = make("img", { src: source, alt: label, loading: "lazy" });
  return make("p", {}, make("button", { type: "button", class: "picture", onclick: () => enlarge(source, label) }, picture),
    make("span", { class: "when" }, `${one.device} · `, ageOf(instant(one.utc))));
}

function heard(one) {
  const label = word("media.sound", { device: one.device, time: moment(instant(one.utc)) });
  return make("p", {}, make("audio", { controls: true, preload: "none", src: address(`recordings/${one.job}`), "aria-label": label }),
    make("span", { class: "when" }, `${one.device}, ${length(one.seconds)} · `, ageOf(instant(one.utc))));
}
