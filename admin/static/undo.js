// Takes the latest action back at one click; where something stands in the way, the drawer says what.
import { open } from "./drawer.js";

async function undo(link) {
  const note = link.closest(".toast-note");
  const hadFocus = note?.contains(document.activeElement);
  note?.remove();
  if (hadFocus) document.getElementById("main").focus();
  const headers = { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content, "HX-Request": "true" };
  const answer = await fetch(link.href, { method: "POST", headers });
  const said = answer.status === 204 && JSON.parse(answer.headers.get("HX-Trigger") || "{}").saved;
  if (said) document.dispatchEvent(new CustomEvent("saved", { detail: said }));
  else open("GET", link.href);
}

export function start() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-undo]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    undo(link);
  });
}
