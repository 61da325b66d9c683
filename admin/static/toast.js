// Short messages at the foot of the page, read out by screen readers. Bad news stays until it is closed, and so does
// anything for as long as the pointer or the focus is on it. "u" presses the latest Undo.
import { text } from "./text.js";

const GLANCE = 9000; // ms that good news stays
const CHANCE = 20000; // and what can still be undone or leads on

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

function arm(note) {
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn-icon btn-sm btn-ghost";
  close.setAttribute("aria-label", text("close"));
  close.append(icon("x"));
  close.addEventListener("click", () => note.remove());
  note.append(close);
  if (note.classList.contains("bad")) return;
  const held = () => note.matches(":hover") || note.contains(document.activeElement);
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (held() ? wait() : note.remove()), note.querySelector("a[href]") ? CHANCE : GLANCE);
  };
  for (const kind of ["mouseleave", "focusout"]) note.addEventListener(kind, wait);
  wait();
}

export function toast(message, kind = "good", undo = "", ways = []) {
  const note = document.createElement("div");
  note.className = `toast-note ${kind}`;
  if (kind === "bad") note.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.textContent = message;
  note.append(icon(kind === "good" ? "circle-check" : "alert-circle"), words);
  for (const [label, url] of ways) {
    const way = document.createElement("a");
    way.href = url;
    way.textContent = label;
    note.append(way);
  }
  if (undo) {
    const back = document.createElement("a");
    back.className = "btn btn-sm toast-undo";
    back.href = undo;
    Object.assign(back.dataset, { undo: "", key: "u" });
    back.setAttribute("aria-keyshortcuts", "u");
    const [label, key, hint] = ["span", "kbd", "span"].map((tag) => document.createElement(tag));
    label.textContent = text("undo");
    key.textContent = "u";
    key.setAttribute("aria-hidden", "true");
    hint.className = "visually-hidden";
    hint.textContent = text("undo_key");
    back.append(label, " ", key);
    note.append(back, hint);
  }
  arm(note);
  document.getElementById("toasts").append(note);
}

export function start() {
  document.querySelectorAll("[data-toast]").forEach(arm);
}
