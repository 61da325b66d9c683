// Where a list is wider than its place, columns give way: from the right, never the first, a figure or one that somebody added to
// the list. What still does not fit is scrolled to, as everything is on a telephone. The Columns menu says which have no room.
import { text } from "./text.js";

const LEAST = 1000; // px of window below which rows are scrolled sideways

const headings = (table) => [...table.tHead.rows[0].cells];
const cells = (table, place) => [...table.rows].map((row) => row.cells[place]).filter(Boolean);

function say(list, gone) {
  const note = list.querySelector("[data-gave-way]");
  if (!note) return;
  note.hidden = !gone.length;
  note.textContent = gone.length ? text("no_room", { n: gone.length }) : "";
  note.title = gone.join(", ");
}

export function fit(list) {
  const table = list.querySelector(".list-table");
  const room = table?.closest(".table-scroll");
  if (!room) return;
  table.querySelectorAll(".gave-way").forEach((cell) => cell.classList.remove("gave-way"));
  const gone = [];
  const all = headings(table).map((th, place) => ({ th, place }));
  const first = all.findIndex(({ th }) => th.scope === "col");
  const edited = (place) => cells(table, place).some((cell) => cell.querySelector(".cell-form"));
  const mayGo = ({ th, place }) => th.scope === "col" && place !== first && !th.matches(".end, [data-kept]") && !edited(place);
  const candidates = all.filter(mayGo).reverse();
  for (const { th, place } of candidates) {
    if (window.innerWidth < LEAST || room.scrollWidth <= room.clientWidth + 1) break;
    cells(table, place).forEach((cell) => cell.classList.add("gave-way"));
    gone.unshift(th.textContent.trim());
  }
  say(list, gone);
}

// A cell that is edited in place grows: others give way to it, and it stays itself.
export function fitAll(root = document) {
  root.querySelectorAll("[data-list]").forEach(fit);
  const around = root.closest?.("[data-list]");
  if (around) fit(around);
}

export function start() {
  let timer;
  window.addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(fitAll, 100);
  });
}
