// Short messages at the foot of the page, read out by screen readers. Bad news stays until it is closed.
import { text } from "./text.js";

const GLANCE = 9000; // ms that good news stays

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
  const leave = () => !note.matches(":hover, :focus-within") && note.remove();
  setTimeout(() => (note.matches(":hover, :focus-within") ? note.addEventListener("mouseleave", leave) : leave()), GLANCE);
}

export function toast(message, kind = "good", undo = "") {
  const note = document.createElement("div");
  note.className = `toast-note ${kind}`;
  if (kind === "bad") note.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.textContent = message;
  note.append(icon(kind === "good" ? "circle-check" : "alert-circle"), words);
  if (undo) {
    const back = document.createElement("a");
    back.className = "btn btn-sm toast-undo";
    back.href = undo;
    back.dataset.undo = "";
    back.textContent = text("undo");
    note.append(back);
  }
  arm(note);
  document.getElementById("toasts").append(note);
}

export function start() {
  document.querySelectorAll("[data-toast]").forEach(arm);
}
