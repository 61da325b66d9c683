// Ticking rows: one, a stretch with shift, the page, or everything that matches the filter; then one action for all.
import { text } from "./text.js";

let last = null; // the box ticked before, where a stretch begins

const boxes = (list) => [...list.querySelectorAll("input[name=ids]")];

function show(list) {
  const bar = list.querySelector("[data-bulk]");
  if (!bar) return;
  const ticked = boxes(list).filter((box) => box.checked);
  boxes(list).forEach((box) => box.closest("tr").classList.toggle("ticked", box.checked));
  const all = list.querySelector("[data-tick-all]");
  all.checked = ticked.length === boxes(list).length;
  all.indeterminate = ticked.length > 0 && !all.checked;
  bar.hidden = !ticked.length;
  const everything = bar.querySelector("[data-bulk-everything]");
  const whole = bar.querySelector("[data-bulk-all]").value === "1";
  const words = ticked.length === 1 ? text("selected_one") : text("selected", { n: ticked.length });
  bar.querySelector("[data-bulk-count]").textContent = whole ? everything.dataset.label : words;
  if (everything) everything.hidden = whole;
}

function tick(list, some, checked) {
  some.forEach((box) => (box.checked = checked));
  if (!checked) list.querySelector("[data-bulk-all]").value = "";
  show(list);
}

export function toggle(row, stretch = false) {
  const box = row.querySelector("input[name=ids]");
  if (!box) return;
  box.checked = !box.checked;
  follow(box, stretch);
}

function follow(box, stretch) {
  const list = box.closest("[data-list]");
  const all = boxes(list);
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  tick(list, stretch && from >= 0 ? all.slice(from, to + 1) : [box], box.checked);
  last = box;
}

export function start() {
  document.addEventListener("click", ({ target, shiftKey }) => {
    const list = target.closest("[data-list]");
    if (!list) return;
    if (target.matches("input[name=ids]")) follow(target, shiftKey);
    else if (target.matches("[data-tick-all]")) tick(list, boxes(list), target.checked);
    else if (target.closest("[data-bulk-none]")) tick(list, boxes(list), false);
    else if (target.closest("[data-bulk-everything]")) {
      list.querySelector("[data-bulk-all]").value = "1";
      tick(list, boxes(list), true);
    }
  });
  // A download is asked for by its address, where the token has no business.
  document.addEventListener("submit", ({ target, submitter }) => {
    if (!target.matches("[data-bulk]") || submitter?.formMethod !== "get") return;
    const token = target.elements.csrf_token;
    token.disabled = true;
    setTimeout(() => (token.disabled = false)); // once the form's data are read
  });
  // A page that comes back from the browser's memory comes back with its ticks.
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-list]").forEach(show));
}
