// What htmx needs to know of this server: the CSRF token, a session that has ended, and answers that are refusals.
import { text } from "./text.js";
import { toast } from "./toast.js";

// The sentence of an error page, with its request id, or a plain one where the answer holds none.
export function sentence(html) {
  const page = new DOMParser().parseFromString(html || "", "text/html");
  const words = page.querySelector("[data-error-sentence]")?.textContent.trim() || text("failed");
  const id = page.querySelector("[data-request-id]")?.textContent;
  return id ? `${words} (${id})` : words;
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
  document.addEventListener("htmx:responseError", ({ detail }) => toast(sentence(detail.xhr.responseText), "bad"));
  document.addEventListener("htmx:sendError", () => toast(text("offline"), "bad"));
}
