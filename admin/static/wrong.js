// What is wrong with a field stands at it until the field is changed; its line in the list over the form goes with it.
function clear(box) {
  box.querySelectorAll(".field-error").forEach((note) => note.remove());
  box.querySelectorAll(".is-invalid").forEach((field) => field.classList.remove("is-invalid"));
  box.querySelectorAll("[aria-invalid]").forEach((field) => {
    field.removeAttribute("aria-invalid");
    const described = (field.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && !id.endsWith("-error"));
    if (described.length) field.setAttribute("aria-describedby", described.join(" "));
    else field.removeAttribute("aria-describedby");
  });
}

function strike(form, box) {
  const list = form?.querySelector("[data-form-errors]");
  if (!list) return;
  const ids = [box, ...box.querySelectorAll("[id]")].map(({ id }) => id).filter(Boolean);
  list.querySelectorAll("a[href^='#']").forEach((link) => ids.includes(link.getAttribute("href").slice(1)) && link.closest("li").remove());
  if (!list.querySelector("li")) list.remove();
}

function corrected({ target }) {
  const box = target.closest?.(".field, .cell-form");
  if (!box?.querySelector(".field-error, [aria-invalid]")) return;
  clear(box);
  strike(box.closest("form"), box);
  const around = box.parentElement?.closest("fieldset.field");
  if (around && !around.querySelector(".field .field-error")) {
    clear(around);
    strike(around.closest("form"), around);
  }
}

export function start() {
  for (const kind of ["input", "change"]) document.addEventListener(kind, corrected);
}
