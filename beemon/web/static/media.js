// A day's sound and pictures.

import { day, dayName, fill, find, hour, instant, known, length, make, memory, now, number, reason, say, selector, word } from "./base.js";
import { advice, body, devices, isOwner, needStatus, nothing, renew } from "./hive.js";
import { address, ask, send } from "./server.js";

// The day's sound: a strip of 24 h x 0 to 1 kHz; tap a place to hear it; missing recordings are hatched.

const WIDTH = 1440;
const TALL = 128;
let strip = null;

export const sound = { on: ["job"], every: 600, refresh: showSound };

/** Ask for the day's sound and show its strip. */
async function showSound() {
  if (isOwner()) needStatus();
  const all = devices("microphone");
  if (!isOwner() || !all.length) {
    strip = null;
    return body("sound").replaceChildren(nothing(word(isOwner() ? "media.no.microphone" : "media.owner")));
  }
  strip ??= buildStrip();
  const device = all.includes(memory.get("microphone")) ? memory.get("microphone") : all[0];
  fill(strip.choices, selector(word("tiles.which"), all.map((one) => [one, one]), device, (one) => {
    memory.set("microphone", one);
    renew("sound");
  }) ?? "");
  const day = strip.days.value;
  drawStrip(device, day, await ask(`sound/${device}/${day}`));
}

function buildStrip() {
  const days = new DayChoice(() => renew("sound"));
  const picture = make("img", { class: "strip", alt: "" });
  const over = make("canvas", { width: WIDTH, height: TALL, "aria-hidden": "true", onclick: (event) => tap(event) });
  const range = make("input", { type: "range", min: 0, step: 1, "aria-label": word("sound.choose"), oninput: () => select(Number(range.value)) });
  const label = make("p", { class: "readout" });
  const player = make("audio", { controls: true, preload: "none", "aria-label": word("sound.player") });
  const hours = make("div", { class: "hours", "aria-hidden": "true" }, ...[0, 6, 12, 18, 24].map((text) => make("span", { text: number(text) })));
  const choices = make("div", { class: "choices" });
  body("sound").replaceChildren(choices, days.element, make("div", { class: "strips" }, picture, over), hours, range, label, player,
    make("p", { class: "note", text: word("sound.note") }));
  return { days, picture, over, range, label, player, choices, slots: [], index: -1 };
}

function drawStrip(device, day, { slots, picture, from, until }) {
  if (strip.picture.getAttribute("src") !== picture) strip.picture.src = picture;
  const done = slots.filter(isHeard).length;
  strip.picture.alt = word("sound.strip", { device, day: strip.days.name, done: number(done), due: number(slots.length) });
  const isNew = strip.day !== `${device} ${day}`;
  Object.assign(strip, { slots, from: instant(from), until: instant(until), day: `${device} ${day}` });
  strip.range.max = Math.max(slots.length - 1, 0);
  strip.range.disabled = !slots.length;
  strip.player.hidden = !slots.length;
  if (!slots.length) {
    say(strip.label, word("sound.none"));
    return paint();
  }
  if (isNew) select(slots.findLastIndex(isHeard));
  else paint();
}

const isHeard = (slot) => slot.outcome === "done" && slot.job && !slot.reason;

const leftOf = (time) => ((instant(time) - strip.from) / (strip.until - strip.from)) * WIDTH;

/** Frame what is chosen. */
function paint() {
  const pen = strip.over.getContext("2d");
  pen.clearRect(0, 0, WIDTH, TALL);
  const slot = strip.slots[strip.index];
  if (!slot) return;
  const left = leftOf(slot.from) - 3;
  const width = Math.max(leftOf(slot.until) - leftOf(slot.from), 4) + 6;
  for (const [stroke, wide] of [["#fff", 6], ["#c60", 3]]) {
    Object.assign(pen, { strokeStyle: stroke, lineWidth: wide });
    pen.strokeRect(left, 3, width, TALL - 6);
  }
}

function tap(event) {
  if (!strip.slots.length) return;
  const at = (event.offsetX / strip.over.clientWidth) * WIDTH;
  const distance = (slot) => Math.abs(leftOf(slot.from) - at);
  select(strip.slots.reduce((best, slot, index) => (distance(slot) < distance(strip.slots[best]) ? index : best), 0));
  if (isHeard(strip.slots[strip.index])) strip.player.play().catch(() => {});
}

/** Choose a time: show what became of it, and make it ready to be heard. */
function select(index) {
  strip.index = Math.max(index, 0);
  const slot = strip.slots[strip.index];
  const time = hour(instant(slot.from));
  const isDone = isHeard(slot);
  const text = isDone ? word("sound.recorded", { time })
    : word("sound.missing", { time, outcome: known("outcome", slot.outcome ?? "open"), reason: slot.reason ? reason(slot.reason) : "" });
  strip.range.value = strip.index;
  strip.range.setAttribute("aria-valuetext", text);
  say(strip.label, text);
  strip.player.hidden = !isDone;
  if (isDone) strip.player.src = address(`recordings/${slot.job}`);
  else strip.player.pause();
  paint();
}

// The entrance: pictures of a day to scrub through, and the live view.

const DAY_TAKES_MS = 10000;
const LIVE_MS = 120000;
const PICTURE_MS = 500;
const MOST_MISSES = 20;
const still = matchMedia("(prefers-reduced-motion:reduce)");
let gate = null;

export const entrance = { on: ["job"], every: 600, refresh: showEntrance };

/** Ask for the day's recordings and show the last picture. */
async function showEntrance() {
  if (isOwner()) needStatus();
  const all = devices("camera");
  if (!isOwner() || !all.length) {
    gate?.endLive("");
    gate = null;
    return body("entrance").replaceChildren(nothing(word(isOwner() ? "media.no.camera" : "media.owner")));
  }
  gate ??= new Entrance();
  await gate.read(all);
}

class Entrance {
  constructor() {
    this.days = new DayChoice(() => renew("entrance"));
    this.picture = make("img", { class: "still", alt: "", hidden: true, onclick: () => enlarge(this.picture.src, this.picture.alt) });
    this.range = make("input", { type: "range", min: 0, step: 1, "aria-label": word("entrance.choose"), oninput: () => this.select(Number(this.range.value)) });
    this.label = make("p", { class: "readout" });
    this.play = make("button", { type: "button", onclick: () => this.turnPlay() });
    this.live = make("button", { type: "button", onclick: () => (this.liveTimer ? this.endLive(word("live.ended")) : this.beginLive()) });
    this.said = make("p", { class: "note", role: "status", text: word("live.cost") });
    this.choices = make("div", { class: "choices" });
    this.list = [];
    this.sayPlay();
    say(this.live, word("live.begin"));
    body("entrance").replaceChildren(this.choices, this.days.element, make("div", { class: "frame" }, this.picture), this.range, this.label,
      make("div", { class: "row" }, this.play, this.live), this.said);
  }

  async read(all) {
    this.camera = all.includes(memory.get("camera")) ? memory.get("camera") : all[0];
    fill(this.choices, selector(word("tiles.which"), all.map((one) => [one, one]), this.camera, (one) => {
      memory.set("camera", one);
      this.endLive("");
      renew("entrance");
    }) ?? "");
    const key = `${this.camera} ${this.days.value}`;
    const found = await recordings(this.camera, this.days.value);
    const wasLast = this.index === this.list.length - 1;
    this.list = found;
    this.range.max = Math.max(found.length - 1, 0);
    this.range.disabled = this.play.disabled = !found.length;
    if (!found.length) {
      this.picture.hidden = true;
      return say(this.label, word("entrance.none"));
    }
    if (this.key !== key || wasLast) this.select(found.findLastIndex(isKept));
    this.key = key;
  }

  /** Show a recording's picture, or why there is none. */
  select(index) {
    if (this.liveTimer) return;
    this.index = Math.max(index, 0);
    const one = this.list[this.index];
    const time = hour(instant(one.utc));
    const isDone = isKept(one);
    const kind = known("recording", one.kind ?? "video");
    const text = isDone ? word("entrance.picture", { time, kind, length: one.seconds ? length(one.seconds) : "" })
      : word("sound.missing", { time, outcome: known("outcome", one.outcome ?? "open"), reason: one.reason ? reason(one.reason) : "" });
    this.range.value = this.index;
    this.range.setAttribute("aria-valuetext", text);
    say(this.label, `${number(this.index + 1)}/${number(this.list.length)} · ${text}`);
    this.picture.hidden = !isDone;
    if (isDone) this.change(address(`recordings/${one.job}/picture`), word("media.picture", { device: this.camera, time }));
  }

  /** Change the picture when the next one is there, so that nothing flickers. */
  async change(source, label) {
    this.wanted = source;
    const next = new Image();
    next.src = source;
    await next.decode();
    if (this.wanted !== source) return;
    next.className = "still";
    next.alt = label;
    next.addEventListener("click", () => enlarge(source, label));
    this.picture.replaceWith(next);
    this.picture = next;
  }

  turnPlay() {
    if (this.playTimer) return this.stopPlay();
    const there = this.list.map((one, index) => [one, index]).filter(([one]) => isKept(one)).map(([, index]) => index);
    if (!there.length) return;
    let step = 0;
    const pause = Math.max(DAY_TAKES_MS / there.length, still.matches ? 1000 : 100);
    this.playTimer = setInterval(() => {
      if (step >= there.length) return this.stopPlay();
      this.select(there[step++]);
    }, pause);
    this.sayPlay();
  }

  stopPlay() {
    clearInterval(this.playTimer);
    this.playTimer = 0;
    this.sayPlay();
  }

  sayPlay() {
    say(this.play, word(this.playTimer ? "entrance.stop" : "entrance.play"));
  }

  /** Ask the camera for live pictures; they end by themselves after two minutes. */
  async beginLive() {
    this.stopPlay();
    say(this.said, word("live.asked"));
    this.live.disabled = true;
    try {
      this.follow((await send("commands", { command: `live ${this.camera}` })).job);
    } catch (error) {
      say(this.said, word("live.failed", { why: advice(error) }));
    }
    this.live.disabled = false;
  }

  /** Show the pictures of a live view until its job ends, or the reader has seen enough. */
  follow(job) {
    const end = performance.now() + LIVE_MS;
    const camera = this.camera;
    let count = 0;
    let misses = 0;
    say(this.live, word("live.end"));
    say(this.said, word("live.on", { length: length(LIVE_MS / 1000) }));
    outcomeOf(job, 5000).then(({ outcome, reason: why }) => {
      if (!this.liveTimer || this.job !== job) return;
      this.job = 0;
      this.endLive(outcome === "done" ? word("live.ended") : word("live.failed", { why: reason(why) }));
    }).catch(() => {});
    this.job = job;
    const step = async () => {
      if (performance.now() > end || document.hidden) return this.endLive(word("live.ended"));
      try {
        await this.change(address(`live/${camera}.jpg`, { of: count++ }), word("live.picture", { device: camera }));
        this.picture.hidden = false;
        misses = 0;
      } catch { misses += 1; }
      if (misses > MOST_MISSES) return this.endLive(word("live.lost"));
      if (this.liveTimer) this.liveTimer = setTimeout(step, PICTURE_MS);
    };
    this.liveTimer = setTimeout(step, PICTURE_MS);
  }

  /** End the live view here, and at the camera too if its job is not over. */
  endLive(text) {
    if (this.liveTimer && this.job) send("commands", { command: `cancel ${this.job}` }).catch(() => {});
    clearTimeout(this.liveTimer);
    this.liveTimer = 0;
    say(this.live, word("live.begin"));
    say(this.said, text || word("live.cost"));
    if (this.list.length) this.select(this.list.findLastIndex(isKept));
  }
}

/** Wait for the end of a job; return it. Raises `Refusal` if the service is out of reach. */
export async function outcomeOf(job, pause = 1000) {
  for (;;) {
    const found = await ask(`jobs/${job}`);
    if (found.outcome) return found;
    await new Promise((resolve) => { setTimeout(resolve, pause); });
  }
}

// A day's recordings: read, chosen and enlarged.

/** Whether a recording is done, and its file is still there. */
export const isKept = (one) => one.outcome === "done" && Boolean(one.kind);

/** Return the recordings of a device on a day, in order of time; missing ones too. */
export async function recordings(device, of) {
  return (await ask("recordings", { device, day: of })).recordings
    .map((one) => ({ device, ...one }))
    .sort((a, b) => (a.utc < b.utc ? -1 : 1));
}

/** A choice of a day: the day before, a calendar, the day after. */
export class DayChoice {
  constructor(onChange) {
    this.onChange = onChange;
    this.day = null;
    this.input = make("input", { type: "date", "aria-label": word("day.choose"), onchange: () => this.set(this.input.value) });
    this.before = make("button", { type: "button", text: "◀", "aria-label": word("day.before"), onclick: () => this.move(-1) });
    this.after = make("button", { type: "button", text: "▶", "aria-label": word("day.after"), onclick: () => this.move(1) });
    this.element = make("div", { class: "days" }, this.before, this.input, this.after);
  }

  /** Return the chosen day; today, and always the present today, if none was chosen. */
  get value() {
    const today = day(now());
    this.input.max = today;
    this.input.value = this.day ?? today;
    this.after.disabled = this.input.value >= today;
    return this.input.value;
  }

  set(text) {
    const today = day(now());
    this.day = text && text < today ? text : null;
    this.onChange(this.value);
  }

  move(days) {
    this.set(new Date(Date.parse(this.value) + days * 86400e3).toISOString().slice(0, 10));
  }

  get name() {
    return dayName(this.value);
  }
}

/** Show a picture as large as the screen; the back button closes it. */
export function enlarge(source, label) {
  const dialog = find("large");
  find("large-picture").src = source;
  find("large-picture").alt = label;
  find("large-title").textContent = label;
  if (!dialog.open) dialog.showModal();
  history.pushState({ large: true }, "");
}

/** Make the dialog close by its button, by a key and by the back button. */
export function prepareDialog() {
  const dialog = find("large");
  find("large-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { if (history.state?.large) history.back(); });
  addEventListener("popstate", () => { if (dialog.open && !history.state?.large) dialog.close(); });
}
