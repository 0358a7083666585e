// What all sections use: elements, words, numbers and times.

// Elements; text is only ever set as text.

/** Return the element with this id. */
export const find = (id) => document.getElementById(id);

/**
 * Return a new element. `traits`: "class", "text" and functions by "on…" are handled; all else is
 * an attribute, left out if it is null, undefined or false.
 */
export function make(tag, traits = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(traits)) {
    if (!isThere(value) || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter(isThere));
  return element;
}

/** Tell whether there is a value: neither null nor undefined. */
export const isThere = (value) => value !== null && value !== undefined;

/** Show an element, or hide it. */
export const show = (element, isShown = true) => { element.hidden = !isShown; };

/** Set a text if it has changed: a screen reader reads a live region at every change. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Return text of the service, which is English in every language of the page. */
export const english = (text, tag = "span") => make(tag, { lang: "en", text });

const FOCUSED = "a,audio,button,input,select,summary,[tabindex]";

/** Replace what is in a place; who was at its third button is at the third again. */
export function fill(place, ...children) {
  const all = () => [...place.querySelectorAll(FOCUSED)];
  const index = all().indexOf(document.activeElement);
  place.replaceChildren(...children);
  if (index >= 0) all()[index]?.focus({ preventScroll: true });
}

/** Return a selector of things, or null if there is nothing to choose from. */
export function selector(label, things, chosen, onChoice) {
  if (things.length < 2) return null;
  const select = make("select", { onchange: () => onChoice(select.value) });
  for (const [value, text] of things) {
    select.append(make("option", { value, text, selected: value === chosen }));
  }
  return make("label", { class: "choice" }, make("span", { text: label }), select);
}

/** What this browser remembers for us; nothing where it remembers nothing. */
export const memory = {
  get(name) {
    try { return localStorage.getItem(`beemon.${name}`); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(`beemon.${name}`, value); } catch { /* a private window */ }
  },
};

// Words: one catalogue for each language, words/*.json.

const NAMES = { en: "English", de: "Deutsch", fr: "Français", es: "Español" };
let catalogue = {};

/** The language of the page, as a tag for Intl: with the region that the browser asks for. */
export let language = "en";

/** Load the catalogue of the chosen language, else of the browser's first one that there is. */
export async function loadWords() {
  const wanted = [memory.get("language"), ...navigator.languages].filter(Boolean);
  const tag = wanted.find((one) => one.slice(0, 2) in NAMES) ?? "en";
  const short = tag.slice(0, 2);
  catalogue = await (await fetch(`static/words/${short}.json`)).json();
  language = navigator.languages.find((one) => one.slice(0, 2) === short) ?? short;
  document.documentElement.lang = short;
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
}

/** Fill the selector of languages; a choice is remembered and loads the page again. */
export function offerLanguages(select) {
  for (const [tag, name] of Object.entries(NAMES)) {
    select.append(new Option(name, tag, false, tag === document.documentElement.lang));
    select.lastChild.lang = tag;
  }
  select.addEventListener("change", () => {
    memory.set("language", select.value);
    location.reload();
  });
}

/** Return the text of a key, with its {placeholders} filled. */
export function word(key, values = {}) {
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

/** Return the text of a word of beemon's, such as a reason; the word itself if it is a new one. */
export const known = (group, name) => catalogue[`${group}.${name}`] ?? String(name);

// Numbers, times and ages, in the reader's language and the hive's time zone.

const UNITS = { "°C": "celsius", "%": "percent", g: "gram", kg: "kilogram", s: "second", h: "hour" };
const DECIMALS = { "°C": 1, "%": 0, kg: 2, g: 0, V: 2, s: 0, h: 1 };
const made = new Map();

/** The hive's time zone; UTC until it is known, or if the browser does not know it. */
export let zone = "UTC";
let aheadOf = 0;

/** Take over the hive's zone and its time, a text in ISO 8601. */
export function setClock(name, now) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone = name;
  } catch { zone = "UTC"; }
  made.clear();
  if (now) aheadOf = instant(now) - performance.now();
}

/** Return the hive's time in milliseconds since 1970. */
export const now = () => (aheadOf ? aheadOf + performance.now() : Date.now());

/** Return a time of the service, a text in ISO 8601 or seconds, in milliseconds since 1970. */
export const instant = (time) => (typeof time === "number" ? time * 1000 : Date.parse(time));

function format(Kind, options) {
  const key = Kind.name + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Kind(language, options));
  return made.get(key);
}

/** Return a number with this many decimals. */
export const number = (value, decimals = 0, more = {}) => format(Intl.NumberFormat, {
  minimumFractionDigits: decimals, maximumFractionDigits: decimals, ...more,
}).format(value);

/** Return [factor, unit] to show values of a unit as large as this one in. */
export const scaled = (unit, size) => (unit === "g" && Math.abs(size) >= 1000 ? [1e-3, "kg"] : [1, unit]);

/** Return a value with its unit and, if known, its uncertainty: 31.25 ± 0.02 kg. */
export function quantity(value, unit, uncertainty = null, signed = false) {
  if (unit === "B") return bytes(value);
  const [factor, shown] = scaled(unit, value);
  const sigma = uncertainty ? uncertainty * factor : null;
  const decimals = sigma ? Math.min(Math.max(Math.ceil(-Math.log10(sigma)), 0), 3)
    : DECIMALS[shown] ?? (Number.isInteger(value) ? 0 : 2);
  const more = signed ? { signDisplay: "exceptZero" } : {};
  const style = UNITS[shown];
  if (!sigma && style) {
    return number(value * factor, decimals, { ...more, style: "unit", unit: style });
  }
  const text = number(value * factor, decimals, more);
  const range = sigma ? `${text} ± ${number(sigma, decimals)}` : text;
  return shown ? `${range}\u00a0${shown}` : range;
}

/** Return a size in bytes, kB, MB or GB. */
export function bytes(size) {
  const steps = [[1e9, "gigabyte"], [1e6, "megabyte"], [1e3, "kilobyte"], [1, "byte"]];
  const [step, unit] = steps.find(([least]) => Math.abs(size) >= least) ?? steps[3];
  return number(size / step, size / step < 10 && step > 1 ? 1 : 0, { style: "unit", unit });
}

/** Return [count, unit] of a length of time in seconds, in the largest unit that suits it. */
function span(seconds) {
  const size = Math.abs(seconds);
  if (size < 90) return [Math.round(seconds), "second"];
  if (size < 5400) return [Math.round(seconds / 60), "minute"];
  if (size < 129600) return [Math.round(seconds / 3600), "hour"];
  if (size < 86400 * 90) return [Math.round(seconds / 86400), "day"];
  if (size < 86400 * 730) return [Math.round(seconds / 2629800), "month"];
  return [Math.round(seconds / 31557600), "year"];
}

/** Return a length of time in words: 41 sec, 3 days. */
export function length(seconds) {
  const [count, unit] = span(seconds);
  return number(count, 0, { style: "unit", unit, unitDisplay: "long" });
}

/** Return how long ago a time in milliseconds was: 41 seconds ago. */
export function age(at) {
  const [count, unit] = span(Math.min((at - now()) / 1000, 0));
  return format(Intl.RelativeTimeFormat, { numeric: count ? "always" : "auto" }).format(count, unit);
}

/** Return how far ahead a time is: in 2 hours. */
export const ahead = (seconds) => format(Intl.RelativeTimeFormat, { numeric: "always" }).format(...span(seconds));

/** Return an element with the age of a time, which is kept up to date by `renewAges`. */
export function ageOf(at) {
  const element = document.createElement("time");
  element.className = "age";
  element.dateTime = new Date(at).toISOString();
  element.title = moment(at);
  element.textContent = age(at);
  return element;
}

/** Renew all ages on the page. */
export function renewAges() {
  for (const element of document.querySelectorAll("time.age")) {
    const text = age(Date.parse(element.dateTime));
    if (element.textContent !== text) element.textContent = text;
  }
}

const styled = (options) => (at) => format(Intl.DateTimeFormat, { timeZone: zone, ...options }).format(at);

/** Return a date and time in the hive's zone. */
export const moment = styled({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
/** Return a time of day in the hive's zone. */
export const hour = styled({ hour: "2-digit", minute: "2-digit" });
/** Return a time of day with its seconds. */
export const second = styled({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
/** Return a date in the hive's zone. */
export const date = styled({ weekday: "short", day: "numeric", month: "short" });
/** Return a date without its weekday. */
export const shortDate = styled({ day: "numeric", month: "short" });
/** Return a month and its year. */
export const month = styled({ month: "short", year: "numeric" });

/** Return the date of a time in the hive's zone as 2026-11-28. */
export const day = (at) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }).format(at);
/** Return a day such as 2026-11-28 in words, with its weekday or without. */
export const dayName = (text, hasWeekday = true) => format(Intl.DateTimeFormat, {
  timeZone: "UTC", day: "numeric", month: "short", ...(hasWeekday ? { weekday: "short" } : {}),
}).format(Date.parse(text));

/** Return the name of a quantity, such as bees_in. */
export const quantityName = (name) => known("quantity", name).replaceAll("_", " ");

/** Return why there is no value, in words. */
export const reason = (name) => (name ? known("reason", name) : word("reason.unknown"));
