// What changes by itself, a run or a job that goes on, is fetched anew every few seconds for as long as it says so and the page
// is looked at; a job that waits, when its time comes. Only what differs is replaced, row by row, so that focus, ticks, open menus and the place on the page stay.
import { fit } from "./fit.js";
import { addressOf, refreshRecord } from "./refresh.js";

const EVERY = 2000; // ms

const wakes = new WeakMap(); // what waits -> when it is to be looked at, by the clock of performance

function isDue(part) {
  if (!wakes.has(part)) wakes.set(part, performance.now() + 1000 * Number(part.dataset.wakes));
  return performance.now() >= wakes.get(part);
}

const busy = (part) => part.querySelector("details[open], form:focus-within, input:checked") !== null;
const focusable = (part) => [part, ...part.querySelectorAll("a, button, summary, input")];

// Put a fresh part in the place of an old one, with the focus where it was within it.
function swap(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  const at = focusable(old).indexOf(document.activeElement);
  old.replaceWith(fresh);
  window.htmx.process(fresh);
  if (at >= 0) focusable(fresh)[at]?.focus({ preventScroll: true });
}

const rowsOf = (list) => [...list.querySelectorAll(".list-table > tbody > tr[data-id]")];

function renew(list, fresh) {
  const [old, now] = [rowsOf(list), rowsOf(fresh)];
  const same = old.length === now.length && old.every((row, n) => row.dataset.id === now[n].dataset.id);
  if (same) old.forEach((row, n) => busy(row) || swap(row, now[n]));
  else if (!busy(list)) swap(list.querySelector(".list-body"), fresh.querySelector(".list-body"));
  else return;
  list.toggleAttribute("data-live", "live" in fresh.dataset);
  list.toggleAttribute("data-wakes", "wakes" in fresh.dataset);
  if ("wakes" in fresh.dataset) list.dataset.wakes = fresh.dataset.wakes;
  wakes.delete(list);
  fit(list);
}

async function lookAt(list) {
  const answer = await fetch(addressOf(list), { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected || !list.isConnected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(list.id);
  if (fresh) renew(list, fresh);
}

async function look() {
  const waiting = !document.hidden && !document.querySelector("dialog[open]");
  const due = [...document.querySelectorAll("[data-wakes]")].filter(isDue);
  if (waiting && (due.length || document.querySelector("[data-live]"))) {
    const lists = [...document.querySelectorAll("[data-list]")];
    const record = document.getElementById("record-header") ? [refreshRecord(swap)] : [];
    await Promise.allSettled([...lists.map(lookAt), ...record]);
  }
  setTimeout(look, EVERY);
}

export function start() {
  setTimeout(look, EVERY);
}
