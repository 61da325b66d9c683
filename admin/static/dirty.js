// Leaving a changed form asks first. A form counts as changed when what it would send differs from what it would
// have sent when it was opened, so typing something and taking it back is no change.
import { ask } from "./ask.js";
import { text } from "./text.js";

const opened = new WeakMap();
const leaving = new WeakSet();

function contents(form) {
  const data = new FormData(form);
  data.delete("csrf_token");
  data.delete("fingerprint");
  return JSON.stringify([...data].map(([name, value]) => [name, value instanceof File ? value.name : value]));
}

export function watch(root) {
  const forms = [...root.querySelectorAll("form[data-guard]")];
  if (root.matches?.("form[data-guard]")) forms.push(root);
  forms.forEach((form) => opened.has(form) || opened.set(form, contents(form)));
}

export function isDirty(form) {
  if (leaving.has(form)) return false;
  return "dirty" in form.dataset || (opened.has(form) && contents(form) !== opened.get(form));
}

export const dirtyWithin = (root) => [...root.querySelectorAll("form[data-guard]")].some(isDirty);

export function mayLeave(root) {
  if (!dirtyWithin(root)) return Promise.resolve(true);
  return ask(text("leave"), { yes: text("leave_yes"), no: text("leave_no"), danger: true });
}

export function start() {
  window.addEventListener("beforeunload", (event) => dirtyWithin(document) && event.preventDefault());
  document.addEventListener("submit", ({ target, defaultPrevented }) => {
    if (!defaultPrevented && !target.hasAttribute("hx-post")) leaving.add(target);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-guard]").forEach((f) => leaving.delete(f)));
  // Links on the page that would throw a changed form away ask in our own words; closing the window asks in the browser's.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[href]:not([data-drawer], [data-drawer-close], [target])");
    const plain = !event.defaultPrevented && event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey);
    if (!link || !plain || link.getAttribute("href").startsWith("#") || !dirtyWithin(document)) return;
    event.preventDefault();
    if (await mayLeave(document)) {
      document.querySelectorAll("form[data-guard]").forEach((form) => leaving.add(form));
      window.location.assign(link.href);
    }
  });
}
