// Logging in, and setting the first password with the one-time code of the link #code=…

import { find, say, show, word } from "./base.js";
import { advice, hive } from "./hive.js";
import { ask, send, setSecret } from "./server.js";

const LEAST = 8;

/** Ask who is reading. */
export async function readSession() {
  take(await ask("session"));
}

function take(session) {
  hive.session = session;
  setSecret(session.csrf);
}

/** Show the form to log in, or to set the first password. */
export function showLogin() {
  const isFirst = !hive.session.has_password;
  const code = new URLSearchParams(location.hash.slice(1)).get("code") ?? "";
  const form = find("login");
  say(find("login-title"), word(isFirst ? "login.first" : "login.title"));
  say(find("login-hint"), word(isFirst ? "login.first.hint" : "login.hint"));
  say(find("login-go"), word(isFirst ? "login.set" : "login.go"));
  show(find("login-code"), isFirst);
  form.elements.code.required = isFirst;
  if (code) form.elements.code.value = code;
  form.elements.password.autocomplete = isFirst ? "new-password" : "current-password";
  form.elements.password.minLength = isFirst ? LEAST : 1;
  show(form);
  form.elements[isFirst && !code ? "code" : "password"].focus();
}

/** Make the form work; `onIn` is called when the reader is logged in. */
export function prepareLogin(onIn) {
  const form = find("login");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    find("login-go").disabled = true;
    say(find("login-outcome"), word("login.wait"));
    try {
      await enter(form);
      form.reset();
      show(form, false);
      say(find("login-outcome"), "");
      if (location.hash.startsWith("#code=")) history.replaceState(null, "", location.pathname + location.search);
      onIn();
    } catch (error) {
      say(find("login-outcome"), why(error));
    }
    find("login-go").disabled = false;
  });
  find("leave").addEventListener("click", async () => {
    await send("session", null, "DELETE").catch(() => {});
    location.reload();
  });
}

async function enter(form) {
  const password = form.elements.password.value;
  if (hive.session.has_password) await send("session", { password });
  else await send("password", { code: form.elements.code.value.trim(), password });
  await readSession();
}

function why(error) {
  if (error.status === 0) return word("page.unreachable");
  if (error.status === 403 && hive.session.has_password) return word("login.wrong");
  if (error.status === 429) return word("login.too.often");
  return advice(error);
}
