// The answer in one line: is the hive being recorded, and if not, what to do.

import { update } from "./actions.js";
import { ageOf, ahead, english, find, instant, isThere, known, length, make, moment, now, say, second, word, zone } from "./base.js";
import { hive, readStatus } from "./hive.js";

const SHAPES = { good: "●", middling: "▲", bad: "✖" };
const GRADES = { healthy: "good", starting: "middling", degraded: "middling", hung: "bad" };
const PHONE_DIFFERS_MS = 120000;

export const on = ["status"];
export const every = 20;

/** Ask for the status and show it. */
export async function refresh() {
  await readStatus();
  showState();
  showGood();
  showClock();
  showTroubles();
  update();
}

function showState() {
  const { reached, status } = hive;
  const grade = reached ? GRADES[status.state] ?? "middling" : "bad";
  const name = status?.hive ?? hive.session.hive ?? "beemon";
  find("answer").dataset.grade = grade;
  say(find("shape"), SHAPES[grade]);
  say(find("name"), name);
  document.title = `${SHAPES[grade]} ${name}`;
  say(find("says"), sentence(name));
}

function sentence(name) {
  if (hive.reached) return word(`answer.${hive.status.state}`, { name });
  return hive.since ? word("answer.unreached", { name, since: moment(instant(hive.since)) })
    : word("answer.unreached.unknown", { name });
}

/** Return what is being recorded, as a sentence; empty if nothing is. */
function recorded() {
  const names = Object.values(hive.status.running).map((command) => command.split(" "))
    .filter(([name]) => name === "record").map(([, device]) => device);
  return names.length ? `${word("answer.running", { devices: names.join(", ") })} ` : "";
}

/** Show what is being recorded, and which device worked last, and how long ago that was. */
function showGood() {
  const ages = Object.entries(hive.status?.devices ?? {})
    .filter(([, device]) => isThere(device.last_good_age_seconds))
    .sort(([, a], [, b]) => a.last_good_age_seconds - b.last_good_age_seconds);
  if (!hive.reached) return;
  const place = find("good");
  if (!ages.length) return place.replaceChildren(word("answer.nothing.good"));
  const [name, { last_good_age_seconds: old }] = ages[0];
  place.replaceChildren(recorded(), `${word("answer.good", { device: name })} `, ageOf(now() - old * 1000));
}

function showClock() {
  const parts = [make("time", { id: "time", text: second(now()) }), ` ${zone}`];
  const quality = hive.status?.clock;
  if (quality === "unsure") parts.push(" · ", make("strong", { text: word("clock.unsure") }));
  const differs = (now() - Date.now()) / 1000;
  if (Math.abs(differs) * 1000 > PHONE_DIFFERS_MS) {
    parts.push(" · ", make("strong", { text: word("clock.differs", { length: length(Math.abs(differs)) }) }));
  }
  find("clock").replaceChildren(`${word("clock.now")} `, ...parts);
}

/** Move the clock on; called each second. */
export function tick() {
  const time = find("time");
  if (time) time.textContent = second(now());
}

function showTroubles() {
  const items = [];
  const { trouble, status } = hive;
  if (trouble) items.push(item("", trouble.message, trouble.remedy));
  if (status && hive.reached) {
    items.push(...status.troubles.map((one) => item(one.about, one.says, one.remedy)));
    if (status.archive_trouble) items.push(item(word("machine.disk"), status.archive_trouble, ""));
    for (const [name, device] of Object.entries(status.devices)) {
      if (device.trouble) items.push(item(name, device.trouble, device.rebind_trouble ?? ""));
      else if (device.note) items.push(item(name, device.note, ""));
    }
    items.push(...conditions(status));
  }
  find("troubles").replaceChildren(...items);
}

function conditions({ inspection, power }) {
  const items = [];
  if (inspection) {
    items.push(make("li", { text: word("answer.inspection", {
      since: moment(instant(inspection.begun)), left: ahead(inspection.ends_in_seconds),
    }) }));
  }
  if (power && power.stage !== "full") {
    items.push(make("li", { text: `${word("machine.power")}: ${known("stage", power.stage)}` }));
  }
  return items;
}

/** Return a problem: its subject, what the service says, and what to do. */
function item(about, says, remedy) {
  const [, code, rest] = /^([a-z][a-z-]+): (.*)$/s.exec(says) ?? [null, null, says];
  const meaning = code ? known("reason", code) : null;
  return make("li", {}, about ? make("strong", { text: `${about}: ` }) : null,
    meaning && meaning !== code ? `${meaning}. ` : null, english(meaning === code && code ? says : rest),
    remedy ? english(` ${remedy}`, "em") : null);
}
