// The frame: the menu on small screens, and the theme switch.
import { text } from "./text.js";

function menu(open) {
  const side = document.getElementById("menu");
  const button = document.querySelector("[data-menu-open]");
  side.classList.toggle("open", open);
  button.setAttribute("aria-expanded", String(open));
  (open ? side.querySelector("a") : button).focus();
}

function nameTheme() {
  const button = document.querySelector("[data-theme-switch]");
  const label = text(`theme_${document.documentElement.dataset.themeChoice}`);
  button.setAttribute("aria-label", label);
  button.title = label;
}

export function start() {
  document.addEventListener("click", (event) => {
    const [open, close] = [event.target.closest("[data-menu-open]"), event.target.closest("[data-menu-close]")];
    if (open || close) {
      event.preventDefault();
      menu(Boolean(open));
    }
    if (event.target.closest("[data-theme-switch]")) {
      document.dispatchEvent(new Event("theme:next"));
      nameTheme();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.querySelector(".side.open")) menu(false);
  });
  nameTheme();
}
