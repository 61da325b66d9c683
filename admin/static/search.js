// The search box at the top: results while typing, grouped by kind, walked with the arrow keys (an ARIA combobox).
const PAUSE = 200; // ms

export function start() {
  const form = document.querySelector("[data-search]");
  if (!form) return;
  const box = form.querySelector("input[name=q]");
  const panel = form.querySelector("#search-results");
  let current = -1;
  let timer;
  let asked = "";

  const options = () => [...panel.querySelectorAll("[role=option]")];
  Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "search-results" }).forEach(
    ([name, value]) => box.setAttribute(name, value),
  );

  function mark(index) {
    const all = options();
    all[current]?.setAttribute("aria-selected", "false");
    current = all.length ? (index + all.length) % all.length : -1;
    all[current]?.setAttribute("aria-selected", "true");
    all[current]?.scrollIntoView({ block: "nearest" });
    if (current >= 0) box.setAttribute("aria-activedescendant", all[current].id);
    else box.removeAttribute("aria-activedescendant");
  }

  function unmark() {
    options()[current]?.setAttribute("aria-selected", "false");
    current = -1;
    box.removeAttribute("aria-activedescendant");
  }

  function show(on) {
    panel.hidden = !on;
    box.setAttribute("aria-expanded", String(on));
    if (!on) unmark();
  }

  async function ask() {
    const q = box.value.trim();
    asked = q;
    if (!q || (q.length < 2 && q.toLowerCase() !== q.toUpperCase())) return show(false); // one letter finds too much
    const url = `${form.getAttribute("action")}?${new URLSearchParams({ q })}`;
    await window.htmx.ajax("GET", url, { source: panel, target: panel, swap: "innerHTML" });
    if (asked !== q || document.activeElement !== box) return;
    unmark();
    show(true);
  }

  box.addEventListener("input", () => {
    unmark(); // it was found for other words: Enter, which a scanner types at once, must not open it
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) {
      event.preventDefault();
      return show(false);
    }
    if (event.key === "Enter" && current >= 0 && !panel.hidden) {
      event.preventDefault();
      return options()[current]?.click();
    }
    if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    if (panel.hidden) return ask();
    mark(event.key === "ArrowDown" ? current + 1 : current < 0 ? -1 : current - 1);
  });
  box.addEventListener("focus", () => box.value.trim() && panel.childElementCount && show(true));
  form.addEventListener("focusout", ({ relatedTarget }) => form.contains(relatedTarget) || show(false));
  // A press on a result must not take the focus first, or the list would be gone before the click arrives.
  panel.addEventListener("mousedown", (event) => event.preventDefault());
}
