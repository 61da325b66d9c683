// A record's tabs: links that fetch their content into the panel. Without scripts they are ordinary pages.
import { mayLeave } from "./dirty.js";

async function show(link) {
  const panel = document.getElementById("record-panel");
  if (!(await mayLeave(panel))) return;
  link.closest("nav").querySelector("[aria-current]")?.removeAttribute("aria-current");
  link.setAttribute("aria-current", "page");
  reveal(link);
  window.htmx.ajax("GET", link.dataset.content, { source: panel, target: panel, swap: "innerHTML", push: link.getAttribute("href") });
}

// On a narrow screen the open tab may lie outside what the strip shows.
function reveal(link) {
  const strip = link.closest("ul");
  if (link.offsetLeft + link.offsetWidth > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = link.offsetLeft - 24;
}

export function start() {
  document.querySelectorAll(".tabs [aria-current]").forEach(reveal);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-tabs] a[data-content]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(link);
  });
}
