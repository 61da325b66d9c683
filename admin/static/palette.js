// The command palette (Ctrl K): go to any screen, do anything to the record in view. It offers the page's own kind of
// links and buttons and only clicks them, so permissions, drawers, questions and guards are those of the page.
import { text } from "./text.js";

const dialog = () => document.getElementById("palette");
const box = () => dialog().querySelector("[role=combobox]");
const panel = () => document.getElementById("palette-list");
const options = () => [...panel().querySelectorAll("[role=option]")].filter((option) => !option.hidden);
const plain = (words) => words.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

let chosen = null;
let eager = false; // Enter was pressed before the list was there

function choose(option) {
  chosen?.setAttribute("aria-selected", "false");
  chosen = option ?? null;
  if (!chosen) return box().removeAttribute("aria-activedescendant");
  chosen.setAttribute("aria-selected", "true");
  chosen.scrollIntoView({ block: "nearest" });
  box().setAttribute("aria-activedescendant", chosen.id);
}

// Whatever is typed can be searched for, too.
function offerSearch(typed) {
  panel().querySelector("[data-palette-search]")?.remove();
  const form = document.querySelector("[data-search]");
  if (!typed || !form) return;
  const group = document.createElement("div");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", text("search"));
  group.dataset.paletteSearch = "";
  const link = document.createElement("a");
  Object.entries({ role: "option", "aria-selected": "false", id: "command-search", class: "hit", tabindex: "-1" }).forEach(([name, value]) =>
    link.setAttribute(name, value),
  );
  link.href = `${form.getAttribute("action")}?${new URLSearchParams({ q: typed })}`;
  link.append(form.querySelector("svg").cloneNode(true), text("search_for", { q: typed }));
  group.append(link);
  panel().append(group);
}

function narrow() {
  if (panel().hasAttribute("aria-busy")) return;
  const typed = box().value.trim();
  const words = plain(typed).split(/\s+/).filter(Boolean);
  panel().querySelectorAll("[data-palette-group]").forEach((group) => {
    const heading = plain(group.firstElementChild.textContent);
    const all = [...group.querySelectorAll("[role=option]")];
    all.forEach((option) => {
      const label = `${plain(option.textContent)} ${heading}`;
      option.hidden = !words.every((word) => label.includes(word));
    });
    group.hidden = all.every((option) => option.hidden);
  });
  offerSearch(typed);
  choose(options()[0]);
}

function run(option) {
  if (!option) return;
  dialog().close(); // first, so that the focus is back where it was and a drawer finds it there
  option.click();
}

// The record in view: the one the page is about, else the row of a list that the keys stand on.
function record() {
  const shown = document.querySelector("[data-record][data-id]");
  if (shown) return { resource: shown.dataset.record, id: shown.dataset.id };
  const row = document.activeElement?.closest("[data-list] tbody tr[data-url]");
  if (!row) return null;
  const url = new URL(row.dataset.url, window.location);
  return { resource: url.pathname.split("/")[2], id: url.searchParams.get("id") };
}

function address() {
  const about = record();
  return `${dialog().dataset.url}${about ? `?${new URLSearchParams(about)}` : ""}`;
}

function waiting(on) {
  if (on) panel().setAttribute("aria-busy", "true");
  else panel().removeAttribute("aria-busy");
  dialog().querySelector("[data-palette-wait]").hidden = !on;
}

async function open() {
  if (document.querySelector("dialog.ask[open]")) return;
  const url = address(); // before the focus leaves the row
  choose(null);
  eager = false;
  box().value = "";
  panel().replaceChildren();
  waiting(true);
  dialog().showModal();
  box().focus();
  await window.htmx.ajax("GET", url, { source: panel(), target: panel(), swap: "innerHTML" });
  waiting(false);
  if (!dialog().open) return;
  narrow();
  if (eager) run(chosen);
}

function step(by) {
  const all = options();
  if (all.length) choose(all[(all.indexOf(chosen) + by + all.length) % all.length]);
}

const KEYS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Enter: () => (chosen ? run(chosen) : (eager = true)),
  Escape: () => dialog().close(),
};

function onKey(event) {
  const act = KEYS[event.key];
  if (!act || event.isComposing) return;
  event.preventDefault();
  event.stopPropagation(); // Escape closes this and not the drawer under it
  act();
}

export function start() {
  if (!dialog()) return;
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  if (mac) document.querySelectorAll("[data-palette-key]").forEach((kbd) => (kbd.textContent = "⌘ K"));
  // Capturing: it opens from within any field, whatever else listens there.
  document.addEventListener(
    "keydown",
    (event) => {
      const asked = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
      if (!asked) return;
      event.preventDefault();
      if (dialog().open) dialog().close();
      else open();
    },
    true,
  );
  dialog().addEventListener("keydown", onKey);
  box().addEventListener("input", narrow);
  document.addEventListener("click", ({ target }) => target.closest("[data-palette]") && open());
  dialog().addEventListener("click", (event) => {
    if (event.target === dialog() || event.target.closest("[data-palette-close]")) return dialog().close();
    const option = event.target.closest("[role=option]");
    // A click by hand closes the palette first; the click that follows from there goes where it leads.
    if (!option || !dialog().open || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    run(option);
  });
  panel().addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the box
}
