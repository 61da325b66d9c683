// Keys for people who live here. "?" lists those in force on the page.
import { edit } from "./cells.js";
import { toggle } from "./select.js";

const GO = { h: "/admin/", c: "/admin/customer/", o: "/admin/sales_order/", n: "/admin/note/" };
let going = 0; // when "g" was pressed: the next key says where to

const typing = (target) => target.matches?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-list] tbody tr[data-id]")];
const current = () => document.activeElement?.closest("[data-list] tbody tr[data-id]");
// Not by its rectangle: what lies in a closed menu has one.
const visible = (element) => element?.checkVisibility();

function move(step) {
  const all = rows();
  const at = all.indexOf(current());
  all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))]?.focus();
}

function press(key) {
  const target = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(visible);
  target?.click();
  return Boolean(target);
}

function go(key) {
  const link = [...document.querySelectorAll(".side nav a")].find((a) => a.pathname === GO[key]);
  link?.click();
  return Boolean(link);
}

export function help() {
  const dialog = document.getElementById("help");
  const list = dialog.querySelector("[data-keys]");
  list.querySelectorAll("[data-needs]").forEach((line) => (line.hidden = !document.querySelector(line.dataset.needs)));
  list.querySelectorAll("[data-found]").forEach((line) => line.remove());
  const seen = new Set();
  document.querySelectorAll("[data-key]").forEach((link) => {
    if (!visible(link) || seen.has(link.dataset.key)) return;
    seen.add(link.dataset.key);
    const [line, dt, dd, kbd] = ["div", "dt", "dd", "kbd"].map((tag) => document.createElement(tag));
    line.dataset.found = "";
    kbd.textContent = link.dataset.key;
    dt.append(kbd);
    dd.textContent = (link.querySelector("span") || link).textContent.trim();
    line.append(dt, dd);
    list.prepend(line);
  });
  dialog.showModal();
}

const DEEDS = {
  "/": () => (document.getElementById("search")?.focus(), document.getElementById("search")?.select(), true),
  "?": () => (help(), true),
  j: () => (move(1), rows().length > 0),
  k: () => (move(-1), rows().length > 0),
  x: () => current() && (toggle(current()), true),
  i: () => current()?.querySelector("td[data-edit]") && (edit(current().querySelector("td[data-edit]")), true),
  g: () => ((going = Date.now()), true),
  Enter: () => document.activeElement === current() && current()?.dataset.url && (window.location.assign(current().dataset.url), true),
};

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  const wasGoing = Date.now() - going < 1500;
  going = 0;
  const done = wasGoing && GO[event.key] ? go(event.key) : DEEDS[event.key] ? DEEDS[event.key]() : event.key.length === 1 && press(event.key);
  if (done) event.preventDefault();
}

export function start() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", ({ target }) => target.closest("[data-help]") && help());
}
