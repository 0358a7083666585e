// The page: begins, keeps its sections up to date, and tells when the hive is out of reach.

import * as actions from "./actions.js";
import * as answer from "./answer.js";
import { find, loadWords, moment, offerLanguages, renewAges, say, show, word } from "./base.js";
import * as charts from "./charts.js";
import { calendar, heat } from "./days.js";
import * as events from "./events.js";
import { complain, hive } from "./hive.js";
import { prepareLogin, readSession, showLogin } from "./login.js";
import * as machine from "./machine.js";
import { entrance, prepareDialog, sound } from "./media.js";
import { Changes, server } from "./server.js";
import * as tiles from "./tiles.js";

const SECTIONS = { answer, actions, tiles, events, charts, sound, entrance, heat, calendar, machine };
const SOON_MS = 1000;
/** Least time between two refreshes that changes cause: a Pi has other things to do. */
const REST_MS = { tiles: 15000, machine: 10000 };

const due = new Map();
const begun = new Map();
const running = new Set();
let lostAt = null;
let isIn = false;

/** Refresh a section; if that fails it says so, and what it showed stays. */
async function refresh(name) {
  if (running.has(name)) return due.set(name, 0);
  running.add(name);
  begun.set(name, performance.now());
  due.set(name, performance.now() + SECTIONS[name].every * 1000);
  try {
    await SECTIONS[name].refresh();
    complain(find(name), null);
  } catch (error) {
    if (error.status !== 401) complain(find(name), error);
  }
  running.delete(name);
}

/** Refresh everything: first the answer and the numbers, then two at a time. */
async function refreshAll() {
  await refresh("answer");
  await refresh("tiles");
  const rest = Object.keys(SECTIONS).filter((name) => !["answer", "tiles"].includes(name));
  const work = async () => { while (rest.length) await refresh(rest.shift()); };
  await Promise.all([work(), work()]);
}

/** Note a change: the sections that show it are due soon, however many changes come at once. */
function onChange(kind) {
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (!section.on.includes(kind)) continue;
    const soon = Math.max(performance.now() + SOON_MS, (begun.get(name) ?? 0) + (REST_MS[name] ?? 0));
    due.set(name, Math.min(due.get(name) ?? Infinity, soon));
  }
}

const changes = new Changes(onChange, () => isIn && refreshAll(), () => isIn && refresh("answer"));

/** Each second: move the clock and the ages on, and refresh what is due. */
function tick() {
  if (document.hidden || !isIn) return;
  answer.tick();
  renewAges();
  showContact();
  for (const [name, at] of due) if (performance.now() >= at) refresh(name);
}

function onContact(isThere) {
  if (isThere && lostAt !== null) {
    lostAt = null;
    showContact();
    if (isIn) {
      changes.resume();
      refreshAll();
    }
  }
  if (!isThere) lostAt ??= Date.now();
}

function showContact() {
  const place = find("contact");
  show(place, lostAt !== null);
  document.body.classList.toggle("lost", lostAt !== null);
  if (lostAt !== null) {
    say(place, word("page.lost", { since: moment(lostAt) }));
  }
}

function enter() {
  isIn = true;
  show(find("hive"));
  show(find("leave"));
  changes.start();
  refreshAll();
}

/** The session has ended, for example because the page's service was restarted: ask again. */
async function onLeft() {
  if (!isIn) return;
  isIn = false;
  changes.stop();
  await readSession().catch(() => {});
  if (hive.session.role === "nobody") showLogin();
  else enter();
}

async function begin() {
  await loadWords();
  offerLanguages(find("language"));
  prepareDialog();
  prepareLogin(enter);
  Object.assign(server, { onContact, onLeft });
  document.addEventListener("renew", ({ detail }) => refresh(detail));
  document.addEventListener("done", () => ["status", "job", "reading", "event"].forEach(onChange));
  setInterval(tick, 1000);
  await meet();
}

/** Ask who is reading, until the service answers. */
async function meet() {
  try {
    await readSession();
  } catch {
    showContact();
    setTimeout(meet, 3000);
    return;
  }
  if (hive.session.role === "nobody") showLogin();
  else enter();
}

begin();
