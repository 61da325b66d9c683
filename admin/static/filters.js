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

export function start() {
  document.addEventListener("change", ({ target }) => {
    const form = target.closest("[data-filter-add]");
    if (form && target.matches("[data-filter-column]")) choose(form);
    if (form && target.matches("[data-filter-operator]")) name(form);
  });
}
