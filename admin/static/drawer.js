// The side drawer: a link or form with data-drawer opens its answer here, and the forms in it post by htmx.
// After a save the server answers with the event "saved": the drawer closes and what it changed is fetched anew.
import { dirtyWithin, mayLeave } from "./dirty.js";
import { sentence } from "./net.js";
import { refresh } from "./refresh.js";
import { text } from "./text.js";
import { toast } from "./toast.js";

let opener = null; // what the drawer was opened from; a refresh may replace it by its like

const drawer = () => document.getElementById("drawer");
const body = () => document.getElementById("drawer-body");

// Until what came is at work as well as there, the drawer is busy, to screen readers as to tests.
function ready() {
  body().removeAttribute("aria-busy");
}

function wait() {
  body().setAttribute("aria-busy", "true");
  const note = document.createElement("p");
  note.className = "loading";
  note.id = "drawer-title";
  note.textContent = text("wait");
  body().replaceChildren(note);
}

function shut() {
  drawer().close();
  body().replaceChildren();
  ready();
}

export async function open(verb, url, values) {
  if (drawer().open && !(await mayLeave(body()))) return;
  wait();
  if (!drawer().open) {
    opener = document.activeElement;
    drawer().showModal();
  }
  await window.htmx.ajax(verb, url, { target: "#drawer-body", swap: "innerHTML", values });
}

// The page was renewed under the drawer, and perhaps the link that opened it with it.
function focusBack() {
  if (document.activeElement !== document.body) return;
  const links = [...document.querySelectorAll("a[href][data-drawer]")];
  const like = links.find((link) => link.href === opener?.href && link.checkVisibility());
  (opener?.isConnected ? opener : like || document.getElementById("main")).focus();
}

async function close() {
  if (!dirtyWithin(body()) || (await mayLeave(body()))) shut();
}

const FIELDS = ".drawer-main :is(input:not([type=hidden], .ts-wrapper *), select, textarea):not(:disabled)";

// The first thing to look at: what is wrong, else the first field; on a new record the first that is not filled in yet.
function focusInside() {
  const fields = [...body().querySelectorAll(FIELDS)];
  const isNew = !body().querySelector("[name=version]");
  const first =
    body().querySelector("[data-form-errors]") ||
    body().querySelector("[autofocus]") ||
    (isNew && fields.find((field) => !field.value)) ||
    fields[0] ||
    body().querySelector("button, a[href]");
  (first?.tomselect ?? first)?.focus();
}

// The page behind a dialog is silent for screen readers, so a refusal is said inside it.
function sayInside(words) {
  const form = body().querySelector("form .drawer-main");
  if (!form) return shut();
  form.querySelector("[data-refusal]")?.remove();
  const alert = document.createElement("div");
  alert.className = "alert alert-danger";
  alert.setAttribute("role", "alert");
  alert.dataset.refusal = "";
  alert.textContent = words;
  form.prepend(alert);
  alert.scrollIntoView({ block: "nearest" });
}

function onRefusal({ detail }) {
  if (!drawer().open || !drawer().contains(detail.target)) return;
  sayInside(detail.xhr.status ? sentence(detail.xhr.responseText) : text("offline"));
}

export function start() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-drawer-close]")) {
      event.preventDefault();
      return close();
    }
    const link = event.target.closest("a[data-drawer]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link.closest("details[open]")?.removeAttribute("open");
    open("GET", link.href);
  });
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || !(submitter?.hasAttribute("data-drawer") || form.hasAttribute("data-drawer"))) return;
    event.preventDefault();
    open("POST", submitter?.getAttribute("formaction") || form.action, new FormData(form, submitter));
  });
  // On the document: while a form is on its way its button is held, and the focus is nowhere.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !drawer().open || document.querySelector("dialog.ask[open]")) return;
    event.preventDefault();
    close();
  });
  drawer().addEventListener("cancel", (event) => event.target === drawer() && event.preventDefault());
  // Pressed and let go on the veil: a text selection that ends there is no wish to close.
  let pressed = null;
  drawer().addEventListener("mousedown", (event) => (pressed = event.target));
  drawer().addEventListener("click", (event) => event.target === drawer() && pressed === drawer() && close());
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target?.id !== "drawer-body") return;
    ready();
    focusInside();
  });
  document.addEventListener("htmx:responseError", onRefusal);
  document.addEventListener("htmx:sendError", onRefusal);
  document.addEventListener("refused", ({ detail }) => {
    if (drawer().open) sayInside(detail.message);
    toast(detail.message, "bad");
  });
  // Something was made that the drawer still shows.
  document.addEventListener("made", () => refresh());
  document.addEventListener("saved", ({ detail }) => {
    if (drawer().open) shut();
    toast(detail.message || text("saved"), "good", detail.undo, detail.ways);
    refresh().then(focusBack);
  });
}
