// Requests to the service of the page, and the stream of its changes.

let csrf = "";

/** The service's refusal: its message and what to do; `status` 0: out of reach. */
export class Refusal extends Error {
  constructor(status, { message = "", remedy = "", code = "" } = {}) {
    super(message);
    Object.assign(this, { status, remedy, code });
  }
}

/** Called with a status 401: who was logged in is no longer. */
export const server = { onLeft: () => {}, onContact: () => {} };

/** Take over the session's secret, which every changing request has to show. */
export const setSecret = (secret) => { csrf = secret ?? ""; };

/** Return a path with its parameters; those that are null or undefined are left out. */
export function path(route, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `${route}?${new URLSearchParams(given)}` : route;
}

/** Ask for JSON. Raises `Refusal`. */
export async function ask(route, parameters = {}, options = {}) {
  let reply;
  try {
    reply = await fetch(path(`api/${route}`, parameters), { signal: AbortSignal.timeout(30000), ...options });
  } catch {
    server.onContact(false);
    throw new Refusal(0);
  }
  server.onContact(true);
  const body = await reply.json().catch(() => ({}));
  if (reply.status === 401) server.onLeft();
  if (!reply.ok) throw new Refusal(reply.status, body);
  return body;
}

/** Send a change. Raises `Refusal`. */
export const send = (route, body, method = "POST") => ask(route, {}, {
  method,
  headers: { "Content-Type": "application/json", "X-Csrf": csrf },
  body: body === null ? undefined : JSON.stringify(body),
});

/** Return an address of a file or picture. */
export const address = (route, parameters) => path(`api/${route}`, parameters);

const KINDS = ["status", "job", "reading", "event"];
const LONGEST_PAUSE_MS = 30000;

/** Follows the changes: reconnects by itself, after longer and longer pauses, and only while seen. */
export class Changes {
  constructor(onChange, onBack, onLost) {
    Object.assign(this, { onChange, onBack, onLost, stream: null, pause: 1000, timer: 0, isOn: false });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.resume()));
    addEventListener("online", () => this.resume());
    addEventListener("pageshow", () => this.resume());
    addEventListener("pagehide", () => this.rest());
  }

  start() {
    this.isOn = true;
    this.open();
  }

  stop() {
    this.isOn = false;
    this.rest();
  }

  /** Close the stream: a browser has few connections for all of its tabs. */
  rest() {
    clearTimeout(this.timer);
    this.stream?.close();
    this.stream = null;
  }

  /** Connect now, if the stream is not open. */
  resume() {
    if (!this.isOn || this.stream?.readyState === EventSource.OPEN) return;
    this.pause = 1000;
    this.rest();
    this.open();
    this.onBack();
  }

  open() {
    const stream = new EventSource("api/changes");
    this.stream = stream;
    stream.onopen = () => {
      if (this.isLost) this.onBack();
      this.isLost = false;
      this.pause = 1000;
    };
    stream.onerror = () => {
      if (stream !== this.stream) return;
      this.onLost();
      this.isLost = true;
      this.rest();
      this.timer = setTimeout(() => this.open(), this.pause * (0.75 + Math.random() / 2));
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
    };
    for (const kind of KINDS) {
      stream.addEventListener(kind, (change) => this.onChange(kind, parsed(change.data)));
    }
  }
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return {}; }
}
