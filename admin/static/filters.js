import { sentence } from "./net.js";

// The filter builder: choose a column, how to compare, and with what. It names the value <column>__<operator>.

function name(form) {
  const column = form.querySelector("[data-filter-column]").value;
  const operator = form.querySelector("[data-filter-operator]")?.value;
  const [value, empty] = [form.querySelector("[data-filter-value]"), form.querySelector("[data-filter-empty]")];
  if (!value) return;
  const asksEmpty = operator === "empty";
  empty.hidden = empty.disabled = !asksEmpty;
  value.disabled = asksEmpty;
  value.closest(".field").classList.toggle("asks-empty", asksEmpty);
  value.removeAttribute("name");
  empty.removeAttribute("name");
  (asksEmpty ? empty : value).name = `${column}__${operator}`;
  // "is one of" takes several values of a choice.
  if (value.matches("select") && !value.dataset.lookup) value.multiple = operator === "in";
}

function choose(form) {
  const column = form.querySelector("[data-filter-column]").value;
  const template = form.querySelector(`template[data-filter="${CSS.escape(column)}"]`);
  const slot = form.querySelector("[data-filter-slot]");
  slot.replaceChildren(...(template ? [template.content.cloneNode(true)] : []));
  form.querySelector("button[type=submit]").disabled = !template;
  window.htmx.trigger(slot, "clientele:fresh");
  name(form);
}

let asked = null; // the builder whose filter is being asked for

// A value that will not do is said under it, where it is corrected.
function say(form, words) {
  const box = form.querySelector("[data-filter-slot] .field:last-child");
  const value = box.querySelector("[data-filter-value]");
  const note = document.createElement("div");
  note.className = "field-error";
  note.id = `${value.id}-error`;
  note.setAttribute("role", "alert");
  note.textContent = words;
  box.querySelector(".field-error")?.remove();
  box.append(note);
  value.classList.add("is-invalid");
  value.setAttribute("aria-invalid", "true");
  value.setAttribute("aria-describedby", note.id);
  form.closest("details").open = true;
  (value.tomselect ?? value).focus();
}

function onRefusal(event) {
  const form = asked;
  asked = null;
  if (event.detail.xhr.status !== 400 || !form?.isConnected || !form.querySelector("[data-filter-value]")) return;
  event.stopImmediatePropagation(); // it needs no message at the foot of the page as well
  say(form, sentence(event.detail.xhr.responseText));
}

export function start() {
  document.addEventListener("submit", ({ target }) => (asked = target.matches("[data-filter-add]") ? target : null), true);
  document.addEventListener("htmx:responseError", onRefusal, true);
  document.addEventListener("change", ({ target }) => {
    const form = target.closest("[data-filter-add]");
    if (form && target.matches("[data-filter-column]")) choose(form);
    if (form && target.matches("[data-filter-operator]")) name(form);
  });
}
