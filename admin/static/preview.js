// A preview holds for the form it was asked with: once a field changes, its fingerprint goes until the next one comes.
// What is typed to confirm changes nothing that the deed does.
const stale = (form) => form?.querySelectorAll("[data-fingerprint]").forEach((mark) => mark.remove());

export function start() {
  document.addEventListener("input", ({ target }) => {
    if (!["confirm", "proof"].includes(target.name) && target.form?.querySelector("[data-preview]")) stale(target.form);
  });
  document.addEventListener("htmx:beforeRequest", ({ target }) => target.matches("[data-preview]") && target.setAttribute("aria-busy", "true"));
  document.addEventListener("htmx:afterRequest", ({ target }) => target.matches("[data-preview]") && target.setAttribute("aria-busy", "false"));
}
