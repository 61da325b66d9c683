// Fetches anew what a save may have changed: the lists on the page, and a record's header, facts and activity.
const PARTS = ["record-header", "record-overview", "record-activity"];
const here = new Map(); // list id -> address it was last fetched from, so that a refresh stays on its page

export const remember = (list, url) => here.set(list.id, url);

export function addressOf(list) {
  if ("embedded" in list.dataset) return here.get(list.id) || list.dataset.url;
  return window.location.pathname + window.location.search;
}

export function fetchList(list, url, more = {}) {
  const push = "embedded" in list.dataset ? undefined : "true";
  remember(list, url);
  return window.htmx.ajax("GET", url, { source: list, target: list, swap: "outerHTML", push, ...more });
}

function refocus(lost) {
  if (document.activeElement !== document.body || !lost) return;
  [...document.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === lost)?.focus();
}

async function refreshRecord() {
  const focus = document.activeElement?.getAttribute("href");
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of PARTS) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (!old || !fresh) continue;
    old.replaceWith(fresh);
    window.htmx.process(fresh);
  }
  refocus(focus);
}

export function refresh() {
  document.querySelectorAll("[data-list]").forEach((list) => fetchList(list, addressOf(list), { push: undefined }));
  if (document.getElementById("record-header")) refreshRecord();
}
