// Small menus are <details class="pop">, so they open without scripts. This closes them again, moves through them with
// the arrow keys, and lets them out of tables that scroll (a fixed place, measured when they open).
const openOnes = () => document.querySelectorAll("details.pop[open]");

function place(details) {
  const box = details.querySelector(".pop-body");
  if (!details.closest(".table-scroll")) return;
  const anchor = details.querySelector("summary").getBoundingClientRect();
  const height = box.offsetHeight;
  const below = anchor.bottom + height + 8 < window.innerHeight || anchor.top < height;
  box.style.top = `${below ? anchor.bottom + 2 : anchor.top - height - 2}px`;
  box.style.bottom = "auto";
  box.style.right = `${document.documentElement.clientWidth - anchor.right}px`;
  box.style.left = "auto";
}

function closeAll(except) {
  openOnes().forEach((details) => details !== except && !details.contains(except) && details.removeAttribute("open"));
}

function onKey(event) {
  const details = event.target.closest?.("details.pop[open]");
  if (!details) return;
  if (event.key === "Escape" && !event.defaultPrevented) {
    event.preventDefault();
    details.removeAttribute("open");
    details.querySelector("summary").focus();
  }
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("input, select, textarea")) return;
  const items = [...details.querySelectorAll(".pop-item")];
  if (!items.length) return;
  event.preventDefault();
  const step = event.key === "ArrowDown" ? 1 : -1;
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
}

export function start() {
  document.addEventListener(
    "toggle",
    ({ target: details }) => {
      if (!details.matches("details.pop") || !details.open) return;
      closeAll(details);
      place(details);
      details.querySelector(".pop-form :is(select, input:not([type=hidden]))")?.focus();
    },
    true, // toggle does not bubble
  );
  // By the path and not the target: what was pressed may have left the page by now, such as a picker's option.
  document.addEventListener("click", (event) => closeAll(event.composedPath().find((e) => e.matches?.("details.pop")) ?? null));
  document.addEventListener("keydown", onKey);
  document.addEventListener("scroll", () => openOnes().forEach(place), true); // scroll does not bubble either
}
