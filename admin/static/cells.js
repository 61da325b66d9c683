// Editing one cell in place: double click, Enter or the pencil fetches a small form; its answer is the cell.
const before = new WeakMap(); // td -> what stood in it

export async function edit(td) {
  const list = td.closest("[data-list]");
  const id = td.closest("tr").dataset.id;
  if (!list?.dataset.editUrl || td.querySelector("form")) return;
  const was = [...td.childNodes];
  before.set(td, was);
  const url = new URL(list.dataset.editUrl, window.location);
  url.searchParams.set("id", id);
  url.searchParams.set("column", td.dataset.edit);
  await window.htmx.ajax("GET", url.pathname + url.search, { target: td, swap: "innerHTML" });
  const field = td.querySelector("form :is(select, textarea, input:not([type=hidden]))");
  (field?.tomselect ?? field)?.focus();
  field?.select?.();
}

function restore(td) {
  td.replaceChildren(...(before.get(td) || []));
  td.querySelector("[data-edit-open]")?.focus();
}

export function start() {
  document.addEventListener("click", ({ target }) => {
    const td = target.closest("td[data-edit]");
    if (!td) return;
    if (target.closest("[data-edit-open]")) edit(td);
    if (target.closest("[data-edit-cancel]")) restore(td);
  });
  document.addEventListener("dblclick", ({ target }) => {
    const td = target.closest("td[data-edit]");
    if (td && !target.closest("a, form")) edit(td);
  });
  document.addEventListener("keydown", (event) => {
    const td = event.target.closest?.("td[data-edit]");
    // Enter saves; the browser does that for text, but not for a choice.
    if (td && event.key === "Enter" && event.target.matches("select") && !event.defaultPrevented) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
    if (!td || event.key !== "Escape" || event.defaultPrevented || !td.querySelector("form")) return;
    event.preventDefault();
    restore(td);
  });
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    const td = detail.target;
    if (!td?.matches?.("td[data-edit]")) return;
    if (!td.querySelector("form")) td.querySelector("[data-edit-open]")?.focus();
    else if (td.querySelector("[role=alert]")) td.querySelector(".is-invalid")?.focus();
  });
}
