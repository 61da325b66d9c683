// A form that is on its way cannot be sent again: no double click makes two records.
const buttons = (form) => form.querySelectorAll("button[type=submit]");

function hold(form) {
  form.setAttribute("aria-busy", "true");
  buttons(form).forEach((button) => (button.disabled = true));
}

function release(form) {
  form.removeAttribute("aria-busy");
  buttons(form).forEach((button) => (button.disabled = false));
}

export function start() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if ((event.submitter?.formMethod || form.method) !== "post") return;
    // Later, or the pressed button's own name and value would be left out of what is sent.
    setTimeout(() => !event.defaultPrevented && hold(form));
  });
  document.addEventListener("htmx:beforeRequest", ({ target }) => target.matches("form") && hold(target));
  document.addEventListener("htmx:afterRequest", ({ target }) => target.matches("form") && release(target));
  // A page that comes back from the browser's memory comes back with its buttons held.
  window.addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach(release));
}
