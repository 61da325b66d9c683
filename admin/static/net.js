// What htmx needs to know of this server: the CSRF token, a session that has ended, and answers that are refusals.
import { text } from "./text.js";
import { toast } from "./toast.js";

// The sentence of an error page, with its request id, or a plain one where the answer holds none.
export function sentence(html) {
  const page = new DOMParser().parseFromString(html || "", "text/html");
  const words = page.querySelector("[data-error-sentence]")?.textContent.trim() || text("failed");
  const ours = page.querySelector("[data-error]")?.dataset.error >= 500; // of no use where it is for the reader to correct
  const id = ours && page.querySelector("[data-request-id]")?.textContent;
  return id ? `${words} (${id})` : words;
}

function card(html) {
  const page = new DOMParser().parseFromString(html || "", "text/html");
  return page.querySelector("[data-error]")?.outerHTML ?? "";
}

export function start() {
  const token = document.querySelector("meta[name=csrf-token]")?.content;
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.verb !== "get") detail.headers["X-CSRFToken"] = token;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const address = new URL(event.detail.xhr.responseURL || window.location, window.location);
    if (!address.pathname.startsWith("/login")) return;
    // The session has ended: the whole page goes to sign in, not a corner of it.
    event.detail.shouldSwap = false;
    window.location.reload();
  });
  document.addEventListener("htmx:responseError", ({ detail }) => {
    toast(sentence(detail.xhr.responseText), "bad");
    // A part that was to be loaded says why it was not, where it would stand.
    if (detail.target.querySelector?.(":scope > .loading")) detail.target.innerHTML = card(detail.xhr.responseText);
  });
  document.addEventListener("htmx:sendError", () => toast(text("offline"), "bad"));
}
