// The machine: disk, power, clock, each device, each reading, the jobs, and the downloads.

import { ageOf, ahead, bytes, english, fill, instant, isThere, known, length, make, moment, now, quantity, quantityName, reason, word } from "./base.js";
import { body, daysAgo, hive, missing, part } from "./hive.js";
import { address, ask } from "./server.js";

const JOBS = 10;

export const on = ["status", "job"];
export const every = 120;

/** Ask for the budget, the jobs and the devices, and show them with the status. */
export async function refresh() {
  const [budget, jobs, config] = await Promise.allSettled([ask("budget"), ask("jobs", { count: JOBS }), ask("devices")]);
  const parts = [facts(budget.value)];
  if (hive.status) parts.push(part("machine.devices", devices(config.value?.devices ?? {})));
  if (hive.readings) parts.push(part("machine.readings", readings()));
  if (jobs.value) parts.push(part("machine.jobs", list(jobs.value.jobs)));
  parts.push(part("machine.downloads", downloads()));
  fill(body("machine"), ...parts);
  const failure = [budget, jobs, config].find((one) => one.status === "rejected");
  if (failure) throw failure.reason;
}

function facts(budget) {
  const status = hive.status;
  const rows = [];
  const add = (key, ...content) => rows.push(make("dt", { text: word(key) }), make("dd", {}, ...content));
  if (budget) {
    const days = budget.days_until_full;
    add("machine.disk", word("machine.disk.free", { free: bytes(budget.free_bytes), rate: bytes(budget.bytes_a_day) }), " ",
      days === null ? word("machine.disk.never") : word("machine.disk.full", { when: ahead(days * 86400) }), make("br"), english(budget.then, "small"));
  }
  if (!status) return make("dl", {}, ...rows);
  add("machine.power", ...powerOf(status.power));
  add("machine.clock", known("clock", status.clock));
  add("machine.uptime", length(status.uptime_seconds), ...(status.start ? [` (${moment(instant(status.start.at))}, ${known("start", status.start.why)})`] : []),
    ...(status.restarts_last_day ? [` · ${word("machine.restarts", { count: status.restarts_last_day })}`] : []));
  add("machine.work", word("machine.work.count", { running: Object.keys(status.running).length, waiting: status.waiting }));
  add("machine.version", status.version);
  return make("dl", {}, ...rows);
}

function powerOf(power) {
  if (!power) return [word("machine.power.none")];
  const value = power.value === undefined ? missing("missing") : quantity(power.value, power.unit ?? "");
  return [`${known("stage", power.stage)} · ${power.sensor} ${quantityName(power.quantity)} `, value,
    ...(power.since ? [` · ${word("value.since", { time: moment(instant(power.since)) })}`] : [])];
}

const table = (heads, rows) => make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": word(heads[0]) },
  make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((key) => make("th", { scope: "col", text: word(key) })))), make("tbody", {}, ...rows)));
const row = (head, ...cells) => make("tr", {}, make("th", { scope: "row", text: head }), ...cells.map((cell) => make("td", {}, ...[cell].flat())));

function devices(config) {
  const rows = Object.entries(hive.status?.devices ?? {}).sort().map(([name, one]) => row(name,
    [make("span", { class: `lamp ${one.trouble ? "bad" : "good"}`, "aria-hidden": "true", text: one.trouble ? "▲ " : "● " }), known("state", one.state),
      one.held_back ? ` · ${reason(one.held_back)}` : ""],
    isThere(one.last_good_age_seconds) ? ageOf(now() - one.last_good_age_seconds * 1000) : word("machine.never"),
    config[name]?.interval_seconds ? word("machine.every", { length: length(config[name].interval_seconds) }) : word("machine.on.demand"),
    [one.trouble ? english(one.trouble) : "", one.note ? english(` ${one.note}`) : "", one.output ? ` ${known("output", one.output)}` : ""]));
  return rows.length ? table(["machine.device", "machine.state", "machine.good", "machine.schedule", "machine.problem"], rows)
    : make("p", { class: "nothing", text: word("machine.no.devices") });
}

function readings() {
  const rows = hive.readings.map((one) => row(one.sensor, quantityName(one.quantity),
    isThere(one.value) ? quantity(one.value, one.unit, one.uncertainty) : missing(one.reason),
    [ageOf(instant(one.utc)), one.quality && one.quality !== "good" ? ` · ${known("quality", one.quality)}` : ""]));
  return rows.length ? table(["machine.device", "machine.quantity", "machine.value", "machine.age"], rows)
    : make("p", { class: "nothing", text: word("machine.no.readings") });
}

function list(jobs) {
  const rows = jobs.map((job) => row(`${job.job}`, english(job.command ?? ""),
    job.outcome ? `${known("outcome", job.outcome)}${job.reason ? `: ${reason(job.reason)}` : ""}` : known("outcome", "open"),
    job.ended ? ageOf(instant(job.ended)) : job.accepted ? ageOf(instant(job.accepted)) : ""));
  return rows.length ? table(["machine.job", "machine.command", "machine.outcome", "machine.age"], rows)
    : make("p", { class: "nothing", text: word("machine.no.jobs") });
}

function downloads() {
  const since = daysAgo(30);
  const link = (key, route, parameters) => make("li", {}, make("a", { href: address(`export/${route}.csv`, parameters), download: true, text: word(key) }));
  const series = (hive.readings ?? []).slice(0, 60).map((one) => make("li", {}, make("a", {
    href: address("export/series.csv", { device: one.sensor, quantity: one.quantity, since }), download: true, text: `${one.sensor} ${quantityName(one.quantity)}`,
  })));
  return make("div", {}, make("p", { text: word("machine.downloads.note") }),
    make("ul", {}, link("events.title", "events", { since }), link("calendar.title", "completeness", { since }), ...series));
}
