// Of fields with a tick before them, whoever fills one in means it.
function pick({ target }) {
  const tick = target.closest(".pick")?.querySelector("[name=change]");
  if (tick && tick !== target) tick.checked = true;
}

// Lines of fields that repeat, such as phones: added from a template, removed, numbered by their place of birth.
function nextNumber(group) {
  const prefix = `${group.dataset.rows}-`;
  const taken = [...group.querySelectorAll("[name]")]
    .filter((field) => field.name.startsWith(prefix))
    .map((field) => parseInt(field.name.slice(prefix.length), 10))
    .filter(Number.isInteger);
  return Math.max(-1, ...taken) + 1;
}

function add(group) {
  const number = nextNumber(group);
  const fresh = group.querySelector("template").content.cloneNode(true);
  fresh.querySelectorAll("*").forEach((element) => {
    for (const name of ["id", "name", "for", "aria-describedby"]) {
      const value = element.getAttribute(name);
      if (value?.includes("__index__")) element.setAttribute(name, value.replaceAll("__index__", number));
    }
  });
  const list = group.querySelector("[data-rows-list]");
  list.append(fresh);
  window.htmx.trigger(list, "clientele:fresh");
  list.lastElementChild.querySelector("select, input:not([type=hidden])")?.focus();
}

function remove(row) {
  const group = row.closest("[data-rows]");
  const next = row.nextElementSibling || row.previousElementSibling;
  row.remove();
  (next?.querySelector("select, input:not([type=hidden])") || group.querySelector("[data-row-add]")).focus();
}

export function start() {
  for (const kind of ["input", "change"]) document.addEventListener(kind, pick);
  document.addEventListener("click", ({ target }) => {
    const [plus, minus] = [target.closest("[data-row-add]"), target.closest("[data-row-remove]")];
    if (plus) add(plus.closest("[data-rows]"));
    if (minus) remove(minus.closest("[data-row]"));
  });
}
