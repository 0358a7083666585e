// Maps of days: traffic by the hour, completeness by the day.

import { dayName, fill, make, month, number, reason, say, word } from "./base.js";
import { body, chosen, daysAgo, needReadings, nothing, traffics } from "./hive.js";
import { ask } from "./server.js";

const HEAT_DAYS = 14;
const shortDay = (text) => dayName(text, false);

export const heat = { on: [], every: 900, refresh: showHeat };

/** Ask for the traffic and show the map. */
async function showHeat() {
  await needReadings();
  const one = chosen("traffic", traffics());
  if (!one) return fill(body("heat"), nothing(word("traffic.none")));
  const found = await ask("traffic", { device: one.sensor, since: daysAgo(HEAT_DAYS - 1) });
  const most = Math.max(1, ...found.in.flat(), ...found.out.flat());
  const rows = found.days.map((day, row) => found.in[row].map((entering, hour) => hourCell(day, hour, entering, found.out[row][hour], most)));
  fill(body("heat"), make("p", { class: "note", text: word("heat.note", { device: one.sensor, most: number(most) }) }),
    grid(word("heat.title"), rows.reverse(), [...found.days].reverse().map((day) => shortDay(day)), Array.from({ length: 24 }, (_, hour) => (hour % 6 ? "" : number(hour)))));
}

function hourCell(day, hour, entering, leaving, most) {
  const time = word("heat.hour", { day: dayName(day), from: number(hour), until: number(hour + 1) });
  if (entering === null && leaving === null) return { label: `${time}: ${word("chart.gap")}`, mark: "gap" };
  const share = Math.max(entering ?? 0, leaving ?? 0) / most;
  return { label: `${time}: ${word("traffic.counts", { in: number(entering ?? 0), out: number(leaving ?? 0) })}`, style: { "--share": `${Math.round(Math.sqrt(share) * 100)}%` }, mark: "heat" };
}

// Completeness: a square for each day, filled by the share of due jobs that are done.

const DAYS = 91;
const WEEK = 7;

export const calendar = { on: [], every: 900, refresh: showCalendar };

/** Ask for the calendar and show it: a column for each week, a row for each weekday. */
async function showCalendar() {
  const { days } = await ask("calendar", { days: DAYS });
  if (!days.length) return fill(body("calendar"), nothing(word("calendar.none")));
  const due = days.reduce((sum, one) => sum + one.due, 0);
  const done = days.reduce((sum, one) => sum + one.done, 0);
  const first = weekday(days[0].day);
  const weeks = Math.ceil((first + days.length) / WEEK);
  const rows = Array.from({ length: WEEK }, (_, down) => Array.from({ length: weeks }, (__, week) => {
    const one = days[week * WEEK + down - first];
    return one ? dayCell(one) : null;
  }));
  const heads = rows.map((_, down) => dayName(`2024-01-0${down + 1}`).split(/[ ,]/)[0]);
  const months = Array.from({ length: weeks }, (_, week) => {
    const one = days[Math.max(week * WEEK - first, 0)];
    return week === 0 || one.day.slice(8) <= "07" ? month(Date.parse(one.day)).split(" ")[0] : "";
  });
  fill(body("calendar"), make("p", { class: "note", text: due ? word("calendar.note", { done: number(done), due: number(due), share: percent(done, due) }) : word("calendar.none") }),
    grid(word("calendar.title"), rows, heads, months));
}

/** Return a share; a hundred percent only if nothing is missing. */
const percent = (done, due) => number(Math.floor((1000 * done) / due) / 1000, done === due ? 0 : 1, { style: "percent" });

const weekday = (text) => (new Date(Date.parse(text)).getUTCDay() + 6) % WEEK;

function dayCell({ day, due, done, reasons }) {
  if (!due) return { label: `${dayName(day)}: ${word("calendar.nothing.due")}`, mark: "due-none" };
  const why = Object.entries(flat(reasons ?? {})).map(([name, count]) => `${reason(name)}: ${number(count)}`);
  const label = [`${dayName(day)}: ${word("calendar.day", { done: number(done), due: number(due), share: percent(done, due) })}`, ...why].join(" · ");
  return { label, mark: done === due ? "all" : done ? "part" : "zero", text: done ? "" : "✕", style: { "--share": `${Math.floor((100 * done) / due)}%` } };
}

/** Return reasons with their counts; those of each outcome together. */
function flat(reasons) {
  const sums = {};
  for (const [name, count] of Object.entries(reasons)) {
    const inner = typeof count === "object" ? count : { [name]: count };
    for (const [why, times] of Object.entries(inner)) sums[why] = (sums[why] ?? 0) + times;
  }
  return sums;
}

// A grid of cells to look at, to tap, and to walk through by the arrow keys.

/**
 * Return a grid with a line below it that says what the chosen cell holds. `rows`: lists of
 * {text, label, style, mark} or null for an empty place; `heads`: a label for each row; `columns`:
 * labels below.
 */
export function grid(label, rows, heads, columns) {
  const readout = make("p", { class: "readout", role: "status" });
  const place = make("div", { class: "grid", role: "grid", "aria-label": label });
  const cells = [];
  rows.forEach((row, down) => {
    const line = make("div", { role: "row" }, make("span", { role: "rowheader", class: "head", text: heads[down] }));
    cells.push(row.map((cell) => {
      const element = cellOf(cell, readout);
      line.append(element);
      return element;
    }));
    place.append(line);
  });
  place.addEventListener("keydown", (event) => walk(event, cells));
  const first = cells.flat().filter((cell) => cell.tabIndex === -1).at(-1);
  if (first) first.tabIndex = 0;
  const foot = make("div", { class: "foot", "aria-hidden": "true" }, make("span", { class: "head" }), ...columns.map((text) => make("span", { text })));
  return make("div", {}, make("div", { class: "scroll" }, place, foot), readout);
}

function cellOf(cell, readout) {
  if (!cell) return make("span", { role: "gridcell", class: "cell none" });
  const choose = () => say(readout, cell.label);
  const element = make("span", { role: "gridcell", class: `cell ${cell.mark ?? ""}`, tabindex: -1, "aria-label": cell.label, title: cell.label, onclick: choose, onfocus: choose }, cell.text ?? "");
  for (const [name, value] of Object.entries(cell.style ?? {})) element.style.setProperty(name, value);
  return element;
}

function walk(event, cells) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  const down = cells.findIndex((row) => row.includes(document.activeElement));
  if (!step || down < 0) return;
  event.preventDefault();
  const across = cells[down].indexOf(document.activeElement);
  const next = cells[down + step[0]]?.[across + step[1]];
  if (!next || next.tabIndex === undefined || !next.hasAttribute("tabindex")) return;
  document.activeElement.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
