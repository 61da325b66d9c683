// Lists: sorting, paging and filtering without a page load, filter-as-you-type, the column chooser.
import { fetchList } from "./refresh.js";

const PAUSE = 250; // ms after the last key before the list is asked

const listOf = (element) => element.closest("[data-list]");
const plain = (event) => !(event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button);

export function address(form) {
  const query = new URLSearchParams();
  // Several values of one choice go as one argument.
  new FormData(form).forEach((value, name) => value !== "" && query.set(name, query.has(name) ? `${query.get(name)},${value}` : value));
  const url = new URL(form.action);
  // The form's own address may carry arguments (a tab's record): a plain GET form would lose them.
  url.searchParams.forEach((value, name) => query.has(name) || query.append(name, value));
  return `${url.pathname}?${query}`;
}

// Only what depends on the filter is renewed, so that the box keeps its focus and what is typed meanwhile.
function narrow(form) {
  const list = listOf(form);
  const id = list.id;
  fetchList(list, address(form), {
    target: `#${id}-body`,
    select: `#${id}-body`,
    selectOOB: `#${id}-head,#${id}-views,#${id}-chips`,
  });
}

// A click on a row opens its record, as its link would: so a changed form is asked about first, and Ctrl opens a tab.
const OWN = "a, button, input, select, textarea, label, summary, form, td.tick, td.row-menu";
let opening;

function openRow(row, tab) {
  const link = document.createElement("a");
  link.href = row.dataset.url;
  if (tab) Object.assign(link, { target: "_blank", rel: "noopener" });
  row.lastElementChild.append(link);
  link.click();
  link.remove();
}

function onRow(event) {
  clearTimeout(opening);
  const row = event.target.closest?.("[data-list] tbody tr[data-url]");
  if (!row || event.defaultPrevented || event.shiftKey || event.target.closest(OWN)) return;
  if (!document.getSelection().isCollapsed) return; // a text was selected
  const tab = event.button === 1 || event.ctrlKey || event.metaKey;
  // A second click on a cell that can be edited in place edits it.
  const editable = event.target.closest("td[data-edit]") && !tab;
  if (!editable) openRow(row, tab);
  else if (event.detail < 2) opening = setTimeout(() => row.isConnected && openRow(row, false), 300);
}

export function start() {
  document.addEventListener("click", onRow);
  document.addEventListener("auxclick", (event) => event.button === 1 && onRow(event));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-list] a[data-swap]");
    if (!link || !plain(event)) return;
    event.preventDefault();
    fetchList(listOf(link), link.getAttribute("href"));
  });
  let timer;
  document.addEventListener("input", ({ target }) => {
    const form = target.closest("[data-filter-form]");
    if (!form) return;
    clearTimeout(timer);
    timer = setTimeout(() => form.isConnected && narrow(form), PAUSE);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("[data-filter-form], [data-filter-add], [data-columns]")) return;
    event.preventDefault();
    clearTimeout(timer);
    if (form.matches("[data-filter-form]")) return narrow(form);
    if (form.matches("[data-filter-add]")) return fetchList(listOf(form), address(form));
    keepColumns(form, event.submitter);
  });
}

async function keepColumns(form, submitter) {
  const list = listOf(form);
  await window.htmx.ajax("POST", form.action, { source: form, swap: "none", values: new FormData(form, submitter) });
  fetchList(list, list.dataset.url);
}
