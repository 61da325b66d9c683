// A preview holds for the form it was asked with: once a field changes, its fingerprint goes until the next one comes, and
// so does a count. What is typed to confirm, or to prove who one is, changes nothing that the action does.
const BESIDES = ["confirm", "reauth", "fingerprint"];
const stale = (form) => form?.querySelectorAll("[data-fingerprint], [data-counted]").forEach((mark) => mark.remove());

const counts = new WeakMap(); // form -> what it held when its rows were last counted
const asked = new WeakMap(); // request for a preview -> what the form held
const changed = new WeakSet(); // requests whose form was changed before the answer came

function contents(form) {
  const data = new FormData(form);
  BESIDES.forEach((name) => data.delete(name));
  return new URLSearchParams(data).toString();
}

// A field that is left asks for a preview a moment later, so that one may come after the count that was asked with the
// same values, and a count after the form was changed again: neither takes the other's place.
function onSwap({ detail }) {
  const form = detail.target.matches("[data-preview]") && detail.target.closest("form");
  if (!form) return;
  if (asked.get(detail.xhr) !== contents(form)) {
    changed.add(detail.xhr);
    if (document.activeElement.matches("[data-take]")) detail.shouldSwap = false; // the next one comes with this choice
  }
  const counted = detail.requestConfig.elt.matches("[data-count]");
  if (counted !== (counts.get(form) === contents(form))) detail.shouldSwap = false;
}

// A choice goes with the record it was made for; and what was chosen before the form came back with an error stands in the
// preview again.
function forget(form) {
  form.querySelectorAll("[data-carried]").forEach((old) => old.remove());
  const picked = Array.from(form.querySelectorAll("select[multiple] > option:checked"), (option) => option.value);
  form.querySelectorAll("[data-take]").forEach((choice) => {
    const record = choice.value.split(":")[1];
    if (choice.dataset.take && record !== choice.dataset.take && !picked.includes(record)) choice.remove();
  });
}

// What came for a form that was changed meanwhile is shown until the next one, but cannot be confirmed. What a preview offers
// to choose is part of the form, too, and the latest one has it all.
function onSwapped({ detail }) {
  const form = detail.target.matches("[data-preview]") && detail.target.closest("form");
  if (!form) return;
  forget(form);
  if (changed.has(detail.xhr)) stale(form);
}

export function start() {
  document.addEventListener("input", ({ target }) => {
    if (BESIDES.includes(target.name) || !target.form?.querySelector("[data-preview]")) return;
    stale(target.form);
    counts.delete(target.form);
  });
  document.addEventListener("htmx:beforeRequest", ({ target, detail }) => {
    if (target.matches("[data-count]")) counts.set(target.form, contents(target.form));
    if (!detail.target.matches("[data-preview]")) return;
    detail.target.setAttribute("aria-busy", "true");
    const wait = detail.target.querySelector(":scope > .preview-wait");
    if (wait) wait.textContent = detail.target.dataset.wait;
    asked.set(detail.xhr, contents(detail.target.closest("form")));
  });
  document.addEventListener("change", ({ target }) => target.matches("select[multiple]") && target.form && forget(target.form));
  document.addEventListener("htmx:beforeSwap", onSwap);
  document.addEventListener("htmx:afterSwap", onSwapped);
  document.addEventListener("htmx:afterRequest", ({ detail }) => detail.target.matches("[data-preview]") && detail.target.setAttribute("aria-busy", "false"));
}
