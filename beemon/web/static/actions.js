// The owner's buttons: each says what it costs, and then what came of it.

import { ahead, bytes, day, fill, find, instant, known, length, make, memory, moment, now, reason, say, selector, show, word } from "./base.js";
import { advice, devices, hive, isOwner, renew } from "./hive.js";
import { isKept, outcomeOf, recordings } from "./media.js";
import { send } from "./server.js";

const SECONDS = 30;
let buttons = null;
let size = "";

export const on = ["job"];
export const every = 600;

/** Show the buttons, and tell how large a recording is. */
export async function refresh() {
  update();
  if (isOwner() && hive.status) await showSize();
}

/** Show the buttons that fit the hive's devices and state, with their costs. */
export function update() {
  const isShown = isOwner() && Boolean(hive.status);
  show(find("actions"), isShown);
  if (!isShown) return;
  build();
  const { inspection } = hive.status ?? {};
  setButton(buttons.inspection, word(inspection ? "inspection.end" : "inspection.begin"), inspection
    ? word("inspection.on", { since: moment(instant(inspection.begun)), left: ahead(inspection.ends_in_seconds) }) : word("inspection.cost"));
  setButton(buttons.picture, word("picture.take"), word("picture.cost"), devices("camera").length, "media.no.camera");
  setButton(buttons.record, word("record.begin", { length: length(SECONDS) }), word("record.cost", { length: length(SECONDS) }) + size, recorders().length, "media.no.recorder");
  setButton(buttons.read, word("read.now"), word("read.cost"), devices("sensor").length, "media.no.sensor");
  offer("camera", devices("camera"));
  offer("recorder", recorders());
}

const recorders = () => [...devices("microphone"), ...devices("camera")];
const pickOf = (kind, all) => (all.includes(memory.get(`do.${kind}`)) ? memory.get(`do.${kind}`) : all[0]);

function build() {
  if (buttons) return;
  buttons = {
    inspection: button("inspection", () => `inspection ${hive.status?.inspection ? "end" : "begin"}`),
    picture: button("picture", () => `snapshot ${pickOf("camera", devices("camera"))}`, "camera"),
    record: button("record", () => `record ${pickOf("recorder", recorders())} ${SECONDS}`, "recorder"),
    read: button("read", () => "read"),
  };
  find("buttons").replaceChildren(...Object.values(buttons).map((one) => one.element));
}

function button(name, command, kind) {
  const cost = make("p", { class: "cost", id: `cost-${name}` });
  const press = make("button", { type: "button", id: `do-${name}`, "aria-describedby": `cost-${name}`, onclick: () => perform(press, command()) });
  const choices = make("span", { class: "choices", "data-kind": kind });
  return { press, cost, choices, element: make("div", { class: `action ${name}` }, press, choices, cost) };
}

function setButton({ press, cost }, text, costs, isPossible = true, why = "") {
  if (!press.dataset.busy) say(press, text);
  press.disabled = !isPossible || Boolean(press.dataset.busy);
  say(cost, isPossible ? costs : word(why));
}

function offer(kind, all) {
  const { choices } = Object.values(buttons).find((one) => one.choices.dataset.kind === kind);
  fill(choices, selector(word("tiles.which"), all.map((one) => [one, one]), pickOf(kind, all), (one) => {
    memory.set(`do.${kind}`, one);
    renew("actions");
  }) ?? "");
}

/** Add to the cost of a recording its size, as the last one of its device had it. */
async function showSize() {
  const device = pickOf("recorder", recorders());
  if (!device) return;
  const last = (await recordings(device, day(now()))).findLast((one) => isKept(one) && one.seconds > 0);
  size = last ? ` ${word("record.size", { size: bytes((last.bytes / last.seconds) * SECONDS) })}` : "";
  update();
}

/** Send a command, wait for its end, and say what came of it. */
export async function perform(press, command) {
  const outcome = find("outcome");
  press.dataset.busy = "yes";
  press.disabled = true;
  outcome.className = "";
  say(outcome, word("command.sent", { command }));
  try {
    const { job } = await send("commands", { command });
    say(outcome, word("command.accepted", { command, job }));
    report(outcome, command, await outcomeOf(job));
  } catch (error) {
    outcome.className = "bad";
    const why = error.status === 0 ? word("page.unreachable") : advice(error);
    say(outcome, `✖ ${word("command.refused", { command, why })}`);
  }
  delete press.dataset.busy;
  press.disabled = false;
  document.dispatchEvent(new CustomEvent("done"));
}

function report(place, command, job) {
  const isDone = job.outcome === "done";
  place.className = isDone ? "good" : "bad";
  const why = job.reason ? `: ${reason(job.reason)}` : "";
  say(place, `${isDone ? "✔" : "✖"} ${word("command.ended", { command, job: job.job, outcome: known("outcome", job.outcome) + why })}`);
}
