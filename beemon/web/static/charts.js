// The charts: weight with its daily gain, and below it temperatures and humidity, on one cursor.

import { day, dayName, fill, hour, instant, isThere, known, make, memory, moment, month, now, number, quantity, quantityName, reason, say, scaled, selector, shortDate, word, zone } from "./base.js";
import { body, broods, chosen, daysAgo, hive, nameOf, needReadings, reading, renew, series, temperatures, weights } from "./hive.js";
import { ask } from "./server.js";
import { BAND, bandName } from "./tiles.js";

const SPANS = { day: 1, fortnight: 14, year: 365 };
const POINTS = { day: 1500, fortnight: 2100, year: 4500 };
const HUES = ["line-1", "line-2", "line-3", "line-4", "line-5", "line-6"];
const MOST_LINES = 6;
const SYMBOLS = { inspection: "◆", weight: "▼" };
const DAY = 86400;

let span = SPANS[location.hash.replace("#span=", "")] ? location.hash.replace("#span=", "") : "fortnight";
let plots = null;

export const on = ["event"];
export const every = 600;

/** Ask for the series of the chosen span and draw both charts. */
export async function refresh() {
  build();
  await needReadings();
  const results = await Promise.allSettled([drawWeight(), drawClimate()]);
  const failure = results.find((one) => one.status === "rejected");
  if (failure) throw failure.reason;
}

function build() {
  if (plots) return;
  plots = { weight: new Plot(word("charts.title")), climate: new Plot(word("climate.title")) };
  body("charts").append(tabs(), make("div", { class: "choices" }), plots.weight.element, make("p", { class: "nothing", hidden: true }));
  body("climate").append(make("div", { class: "choices" }), plots.climate.element, make("p", { class: "nothing", hidden: true }));
  addEventListener("popstate", () => turnTo(location.hash.replace("#span=", "") || "fortnight"));
}

/** Return the tabs of the spans; the back button returns to the one before. */
function tabs() {
  const list = make("div", { role: "tablist", "aria-label": word("charts.span") });
  for (const name of Object.keys(SPANS)) {
    list.append(make("button", { type: "button", role: "tab", id: `tab-${name}`, text: word(`charts.${name}`), onclick: () => choose(name) }));
  }
  list.addEventListener("keydown", ({ key }) => {
    const names = Object.keys(SPANS);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (step) choose(names[(names.indexOf(span) + step + names.length) % names.length]);
  });
  mark(list);
  return list;
}

function mark(list) {
  for (const tab of list.children) {
    const isChosen = tab.id === `tab-${span}`;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
  }
}

function choose(name) {
  if (name === span) return;
  history.pushState(null, "", `#span=${name}`);
  turnTo(name);
  document.getElementById(`tab-${name}`).focus();
}

function turnTo(name) {
  if (!(name in SPANS) || name === span) return;
  span = name;
  mark(body("charts").querySelector("[role=tablist]"));
  renew("charts");
}

const period = () => [now() / 1000 - SPANS[span] * DAY, now() / 1000];

async function drawWeight() {
  const all = weights();
  const place = body("charts");
  const one = chosen("weight", all);
  showIf(place, plots.weight, one ? "" : word("weight.none"));
  if (!one) return;
  const asked = span;
  const [found, bars, marks] = await Promise.all([series(nameOf(one), daysAgo(SPANS[span]), POINTS[span]), gains(one), events()]);
  if (asked !== span) return;
  fill(place.querySelector(".choices"), selector(word("tiles.which"), all.map((each) => [nameOf(each), nameOf(each)]), nameOf(one), (name) => {
    memory.set("weight", name);
    renew("charts");
  }) ?? "");
  const line = lineOf(found, word("weight.title"), HUES[0]);
  plots.weight.draw({ times: found.utc, lines: [line], bars: bars.map((bar) => ({ ...bar, value: bar.value * line.factor, uncertainty: (bar.uncertainty ?? 0) * line.factor })), marks, range: period() });
}

/** Return a series as a line: large weights in kg, and the range of an hour's values if there is. */
function lineOf(found, label, hue, dash) {
  const largest = found.value.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
  const [factor, unit] = scaled(found.unit, largest);
  const times = (values) => (values && factor !== 1 ? values.map((value) => (value === null ? null : value * factor)) : values);
  const ranges = found.by === "hour" && found.low ? { low: times(found.low), high: times(found.high) } : {};
  return { label, unit, hue, dash, factor, values: times(found.value), uncertainty: times(found.uncertainty), reasons: found.reasons, ...ranges };
}

async function gains(one) {
  if (span === "day") return [];
  const { days } = await ask("gains", { device: one.sensor, quantity: one.quantity, since: daysAgo(SPANS[span]) });
  return days.filter((each) => isThere(each.gain)).map((each) => {
    const from = Date.parse(`${each.day}T00:00:00Z`) / 1000 - offset(each.day);
    return { day: each.day, from, until: from + DAY, value: each.gain, uncertainty: each.uncertainty };
  });
}

/** Return how far the hive's clocks are ahead of UTC on a day, in seconds. */
function offset(text) {
  const noon = new Date(`${text}T12:00:00Z`);
  const local = globalThis.uPlot ? globalThis.uPlot.tzDate(noon, zone) : noon;
  const shown = Date.UTC(local.getFullYear(), local.getMonth(), local.getDate(), local.getHours(), local.getMinutes());
  return (shown - noon) / 1000;
}

/** Return the inspections, the sudden changes of weight and the findings as marks. */
async function events() {
  const lists = await Promise.all(Object.keys(SYMBOLS).map((kind) => ask("events", { since: daysAgo(SPANS[span]), kind, most: 200 })));
  const { findings } = await ask("findings", { since: daysAgo(SPANS[span]) });
  const found = findings.filter(({ kind, stage }) => kind !== "day" && stage !== "withdrawn")
    .map((one) => ({ time: instant(one.from) / 1000, symbol: "★", label: known("step", one.kind) }));
  return lists.flatMap(({ events: all }) => all).map((event) => ({
    time: instant(event.utc) / 1000, symbol: SYMBOLS[event.kind], label: `${known("kind", event.kind)} ${known("step", event.facts?.step ?? event.facts?.state ?? "")}`.trim(),
  })).concat(found).sort((a, b) => a.time - b.time);
}

function showIf(place, plot, why) {
  const note = place.querySelector(":scope>.nothing");
  note.textContent = why;
  note.hidden = !why;
  plot.element.hidden = Boolean(why);
}

const climates = () => [...new Set([...broods(), ...temperatures()]), ...(hive.readings ?? []).filter((one) => one.unit === "%" && /humidity/.test(one.quantity))];

/** Return the names of what is drawn: the reader's choice, else the first few of each kind. */
function selected(all) {
  const names = new Set(all.map(nameOf));
  const kept = (memory.get("climate") ?? "").split("|").filter((name) => names.has(name));
  if (kept.length) return kept;
  const of = (unit, count) => all.filter((one) => one.unit === unit).slice(0, count).map(nameOf);
  return [...of("°C", 4), ...of("%", 1)];
}

async function drawClimate() {
  const all = climates();
  const place = body("climate");
  showIf(place, plots.climate, all.length ? "" : word("climate.none"));
  if (!all.length) return;
  const names = selected(all);
  const asked = span;
  const found = await Promise.all(names.map((name) => series(name, daysAgo(SPANS[span]), POINTS[span])));
  if (asked !== span) return;
  offer(place, all, names);
  const lines = found.map((one, index) => lineOf(one, short(names[index]), HUES[index], one.unit === "%" ? [6, 4] : undefined));
  plots.climate.draw({ ...joined(found, lines), range: period(), hasBrood: names.some(isBrood) });
}

const isBrood = (name) => broods().some((one) => nameOf(one) === name);

const short = (name) => `${name.split(" ")[0].replace(/^sensor\./, "")} ${quantityName(name.split(" ")[1])}`;

/** Return lines of several series with the times of all; where one has no time, its line goes on. */
function joined(found, lines) {
  if (found.every((one) => same(one.utc, found[0].utc))) return { times: found[0].utc, lines };
  const times = [...new Set(found.flatMap((one) => one.utc))].sort((a, b) => a - b);
  const places = new Map(times.map((time, index) => [time, index]));
  return { times, lines: lines.map((line, each) => spread(line, found[each].utc, places)) };
}

const same = (one, other) => one.length === other.length && one.every((time, index) => time === other[index]);

function spread(line, utc, places) {
  const over = (values) => {
    if (!values) return values;
    const wide = new Array(places.size);
    utc.forEach((time, index) => { wide[places.get(time)] = values[index]; });
    return wide;
  };
  const reasons = Object.fromEntries(Object.entries(line.reasons ?? {}).map(([index, why]) => [places.get(utc[index]), why]));
  return { ...line, values: over(line.values), low: over(line.low), high: over(line.high), uncertainty: over(line.uncertainty), reasons };
}

function offer(place, all, names) {
  const isOpen = place.querySelector("details")?.open;
  const boxes = all.map((one) => {
    const isChosen = names.includes(nameOf(one));
    const box = make("input", { type: "checkbox", value: nameOf(one), checked: isChosen, disabled: !isChosen && names.length >= MOST_LINES, onchange: () => pick(place) });
    return make("label", {}, box, ` ${short(nameOf(one))}`);
  });
  const key = make("ul", { class: "key" }, ...names.map((name, index) => {
    const line = make("span", { class: "swatch", "aria-hidden": "true" });
    line.style.setProperty("--hue", `var(--${HUES[index]})`);
    return make("li", { class: reading(name)?.unit === "%" ? "dashed" : "" }, line, short(name));
  }));
  if (names.some(isBrood)) key.append(make("li", { class: "shade" }, make("span", { class: "swatch", "aria-hidden": "true" }), word("brood.band", { band: bandName() })));
  const choice = all.length > 1 ? make("details", { open: isOpen }, make("summary", { text: word("climate.choose") }), make("div", { class: "boxes" }, ...boxes)) : "";
  fill(place.querySelector(".choices"), key, choice);
}

function pick(place) {
  const names = [...place.querySelectorAll("input:checked")].map((box) => box.value).slice(0, MOST_LINES);
  memory.set("climate", names.join("|"));
  renew("charts");
}

const HEIGHT = 240;
const dark = matchMedia("(prefers-color-scheme:dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A chart. Its `data`: {times, lines, bars, marks, by}, see `charts.js`. */
export class Plot {
  constructor(label) {
    this.label = label;
    this.canvas = make("div", { class: "plot", role: "slider", tabindex: 0, "aria-label": label, "aria-valuemin": 0, onkeydown: (event) => this.press(event) });
    this.readout = make("p", { class: "readout" });
    this.summary = make("figcaption");
    this.table = make("details", { class: "table", ontoggle: () => this.fillTable() }, make("summary", { text: word("chart.table") }));
    this.element = make("figure", {}, this.canvas, this.readout, this.summary, this.table);
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    dark.addEventListener("change", () => this.data && this.draw(this.data));
  }

  /** Draw the data in the place of what was drawn before. */
  draw(data) {
    const begun = performance.now();
    this.data = data;
    this.chart?.destroy();
    this.chart = null;
    this.canvas.setAttribute("aria-valuemax", Math.max(data.times.length - 1, 0));
    this.show(data.times.length - 1);
    this.summary.textContent = summarise(data);
    this.fillTable();
    if (!globalThis.uPlot) return say(this.readout, word("chart.no.library"));
    if (!data.times.length || !this.canvas.clientWidth) return;
    this.chart = new globalThis.uPlot(options(this), columns(data), this.canvas);
    performance.measure("draw", { start: begun, detail: `${this.label} ${data.times.length}` });
  }

  resize() {
    const width = this.canvas.clientWidth;
    if (!this.chart && this.data && width) this.draw(this.data);
    else if (this.chart && width && width !== this.chart.width) this.chart.setSize({ width, height: HEIGHT });
  }

  /** Move the cursor by the keyboard: by one, by ten, to the ends. */
  press(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || !this.data?.times.length) return;
    event.preventDefault();
    const last = this.data.times.length - 1;
    const index = Math.min(Math.max((this.index ?? last) + steps[event.key], 0), last);
    this.show(index);
    const left = this.chart?.valToPos(this.data.times[index], "x");
    this.chart?.setCursor({ left, top: HEIGHT / 3 });
  }

  /** Say what stands at an index: to the eye below the chart, to a screen reader as its value. */
  show(index) {
    this.index = index;
    const text = index < 0 ? "" : `${moment(this.data.times[index] * 1000)}: ${this.data.lines.map((line) => at(line, index)).join(" · ")}`;
    say(this.readout, text);
    this.canvas.setAttribute("aria-valuenow", Math.max(index, 0));
    this.canvas.setAttribute("aria-valuetext", text || word("chart.empty"));
  }

  fillTable() {
    if (this.table.open && this.data) this.table.replaceChildren(this.table.firstChild, tableOf(this.data));
  }
}

/** Return a line's value at an index in words; where only other lines have one, its last before. */
function at(line, wanted) {
  let index = wanted;
  while (index > 0 && line.values[index] === undefined) index -= 1;
  const value = line.values[index];
  if (!isThere(value)) {
    const why = line.reasons?.[index];
    return `${line.label} ${why ? word("value.missing", { reason: reason(why) }) : word("chart.gap")}`;
  }
  return `${line.label} ${quantity(value, line.unit, line.uncertainty?.[index])}`;
}

function columns({ times, lines }) {
  return [times, ...lines.flatMap(({ values, low, high }) => (low ? [values, low, high] : [values]))];
}

function options(plot) {
  const { lines, bars } = plot.data;
  const [first, last] = plot.data.range;
  return {
    width: plot.canvas.clientWidth, height: HEIGHT,
    tzDate: (seconds) => globalThis.uPlot.tzDate(new Date(seconds * 1000), zone),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, sync: { key: "time" }, points: { size: 7 } },
    scales: { x: { time: true, range: [first, last] }, ...(bars?.length ? { gain: { range: gainRange(bars) } } : {}) },
    axes: axes(lines, bars),
    series: [{}, ...lines.flatMap(strokes)],
    bands: bandsOf(lines),
    hooks: {
      drawClear: [(chart) => drawBars(chart, bars ?? []), (chart) => plot.data.hasBrood && drawBand(chart)],
      draw: [(chart) => drawMarks(chart, plot.data.marks ?? [])],
      setCursor: [({ cursor }) => { if (isThere(cursor.idx)) plot.show(cursor.idx); }],
    },
  };
}

function strokes({ label, unit, hue, low, dash }) {
  const stroke = colour(hue);
  const line = { label, scale: unit, stroke, width: 2, dash, points: { show: false } };
  const edge = { scale: unit, stroke: "transparent", width: 0, points: { show: false } };
  return low ? [line, edge, edge] : [line];
}

function bandsOf(lines) {
  const bands = [];
  let index = 1;
  for (const { low, hue } of lines) {
    if (low) bands.push({ series: [index + 2, index + 1], fill: `${colour(hue)}33` });
    index += low ? 3 : 1;
  }
  return bands;
}

function axes(lines, bars) {
  const look = { stroke: colour("ink"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 }, font: "12px system-ui,sans-serif" };
  const units = [...new Set(lines.map((line) => line.unit))].slice(0, 2);
  const ofUnit = units.map((unit, index) => ({
    ...look, scale: unit, side: index ? 1 : 3, size: 62, grid: { ...look.grid, show: index === 0 },
    values: (chart, splits, axis, space, step) => splits.map((value) => `${number(value, decimals(step))} ${unit}`),
  }));
  const gain = bars?.length ? [{
    ...look, scale: "gain", side: 1, size: 62, grid: { show: false }, stroke: colour("gain"),
    values: (chart, splits, axis, space, step) => splits.map((value) => `${number(value, decimals(step), { signDisplay: "exceptZero" })} ${units[0]}`),
  }] : [];
  return [{ ...look, space: 76, values: (chart, splits, axis, space, step) => times(splits, step) }, ...ofUnit, ...gain];
}

const decimals = (step) => Math.min(Math.max(Math.ceil(-Math.log10(step) - 1e-9), 0), 3);

function times(splits, step) {
  const long = step >= 20 * DAY ? month : step >= DAY ? shortDate : hour;
  return splits.map((seconds) => long(seconds * 1000));
}

function gainRange(bars) {
  const most = Math.max(...bars.map((bar) => Math.abs(bar.value)), 1e-3);
  return [-most * 1.1, most * 3];
}

/** Draw each day's gain from the zero line, low in the chart, so that the line stays readable. */
function drawBars(chart, bars) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { from, until, value } of bars) {
    const [left, right] = [from, until].map((time) => chart.valToPos(time, "x", true));
    const [zero, end] = [0, value].map((gain) => chart.valToPos(gain, "gain", true));
    const inset = Math.min((right - left) * 0.15, 6);
    ctx.fillStyle = colour(value < 0 ? "loss" : "gain");
    ctx.globalAlpha = 0.55;
    ctx.fillRect(left + inset, Math.min(zero, end), right - left - 2 * inset, Math.max(Math.abs(zero - end), 1));
  }
  ctx.restore();
}

/** Shade the temperatures that brood needs. */
function drawBand(chart) {
  const { ctx, bbox } = chart;
  const [low, high] = BAND.map((degrees) => Math.min(Math.max(chart.valToPos(degrees, "°C", true), bbox.top), bbox.top + bbox.height));
  ctx.save();
  ctx.fillStyle = colour("gain");
  ctx.globalAlpha = 0.3;
  ctx.fillRect(bbox.left, high, bbox.width, low - high);
  ctx.restore();
}

/** Draw a line with its symbol at each mark. */
function drawMarks(chart, marks) {
  const { ctx, bbox } = chart;
  const size = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("mark");
  ctx.font = `${14 * size}px system-ui,sans-serif`;
  ctx.textAlign = "center";
  ctx.setLineDash([4 * size, 4 * size]);
  for (const { time, symbol } of marks) {
    const left = chart.valToPos(time, "x", true);
    if (left < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(left, bbox.top + 16 * size);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(symbol, left, bbox.top + 13 * size);
  }
  ctx.restore();
}

/** Return the chart in words: of each line its lowest, highest and last value, and its gaps. */
function summarise({ times: all, lines, bars, marks }) {
  if (!all.length) return word("chart.empty");
  const parts = lines.map(({ label, unit, values, low, high, uncertainty }) => {
    const measured = there(values);
    if (!measured.length) return `${label}: ${word("chart.gap")}`;
    const last = values.findLastIndex(isThere);
    return word("chart.summary", {
      label, low: quantity(least(low ?? measured), unit), high: quantity(most(high ?? measured), unit),
      last: quantity(values[last], unit, uncertainty?.[last]), gaps: number(gaps(values)),
    });
  });
  if (bars?.length) parts.push(word("charts.bars"));
  return [...parts, ...(marks ?? []).map((mark) => `${mark.symbol} ${moment(mark.time * 1000)}: ${mark.label}`)].join(" · ");
}

const there = (values) => values.filter(isThere);
const least = (values) => there(values).reduce((a, b) => Math.min(a, b));
const most = (values) => there(values).reduce((a, b) => Math.max(a, b));
const gaps = (values) => values.filter((value, index) => value === null && index > 0 && values[index - 1] !== null).length;

/** Return a table with the lowest and highest value of each day, or of each hour of one day. */
function tableOf({ times: all, lines, bars, range }) {
  const isShort = range[1] - range[0] < 2 * DAY;
  const name = (seconds) => (isShort ? `${day(seconds * 1000)} ${hour(seconds * 1000).slice(0, 2)}` : day(seconds * 1000));
  const rows = new Map();
  all.forEach((seconds, index) => {
    const key = name(Math.floor(seconds / 3600) * 3600);
    if (!rows.has(key)) rows.set(key, []);
    rows.get(key).push(index);
  });
  const head = make("tr", {}, make("th", { scope: "col", text: word("chart.time") }), ...lines.map((line) => make("th", { scope: "col", text: line.label })),
    bars?.length ? make("th", { scope: "col", text: word("charts.gain") }) : null);
  const body = [...rows].reverse().map(([key, indexes]) => make("tr", {}, make("th", { scope: "row", text: isShort ? key.slice(11) : dayName(key) }),
    ...lines.map((line) => make("td", { text: between(line, indexes) })), bars?.length ? make("td", { text: gainOf(bars, key, lines[0].unit) }) : null));
  return make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": word("chart.table") }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

function gainOf(bars, key, unit) {
  const bar = bars.find((one) => one.day === key);
  return bar ? quantity(bar.value, unit, bar.uncertainty, true) : word("chart.gap");
}

function between({ values, low, high, unit, reasons }, indexes) {
  const lows = there(indexes.map((index) => (low ?? values)[index]));
  if (!lows.length) {
    const why = indexes.map((index) => reasons?.[index]).find(Boolean);
    return why ? reason(why) : word("chart.gap");
  }
  return `${quantity(least(lows), unit)} – ${quantity(most(indexes.map((index) => (high ?? values)[index])), unit)}`;
}
