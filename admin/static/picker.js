// Related rows are picked by typing: Tom Select over a plain <select data-lookup>, asking the server as one types.
import { text } from "./text.js";

function ask(select, query, offset) {
  const url = new URL(select.dataset.lookup, window.location);
  url.searchParams.set("query", query);
  url.searchParams.set("offset", offset);
  return fetch(url, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : []))
    .then((rows) => rows.map(([value, label]) => ({ value: String(value), text: label })))
    .catch(() => []);
}

function words(key) {
  return () => {
    const note = document.createElement("div");
    note.className = "no-results";
    note.setAttribute("role", "option");
    note.setAttribute("aria-disabled", "true");
    note.textContent = text(key);
    return note;
  };
}

function make(select) {
  const picker = new window.TomSelect(select, {
    load(query, done) {
      ask(select, query, 0).then(done);
    },
    shouldLoad: () => true,
    preload: "focus",
    maxOptions: 100,
    loadThrottle: 250,
    refreshThrottle: 0, // or Enter would choose what matched a moment ago
    allowEmptyOption: false,
    // The server has searched already, perhaps by a phone or a postcode that the label does not show.
    score: () => () => 1,
    plugins: select.multiple ? ["remove_button"] : select.required ? [] : ["clear_button"],
    render: { no_results: words("no_matches"), loading: words("searching") },
  });
  // What matched the last query must not linger among the answers to the next.
  picker.on("type", (query) => {
    const typed = query.toLowerCase();
    picker.clearOptions((option) => picker.items.includes(String(option.value)) || option.text.toLowerCase().includes(typed));
    picker.control_input.removeAttribute("aria-activedescendant");
  });
  // The select itself is out of sight now; its label belongs to the picker's box.
  select.setAttribute("aria-hidden", "true");
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (select.hasAttribute(name)) picker.control_input.setAttribute(name, select.getAttribute(name));
  }
}

export function dress(root) {
  root.querySelectorAll("select[data-lookup]").forEach((select) => select.tomselect || make(select));
}
