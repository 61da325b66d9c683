// Fetches anew what a save may have changed: the lists on the page, and a record's header, facts and activity.
const PARTS = ["record-header", "record-overview", "record-activity", "record-past"];
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

function replace(old, fresh) {
  old.replaceWith(fresh);
  window.htmx.process(fresh);
}

export async function refreshRecord(swap = replace) {
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of PARTS) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (old && fresh) swap(old, fresh);
  }
}

export function refresh() {
  const lists = [...document.querySelectorAll("[data-list]")];
  const work = lists.map((list) => fetchList(list, addressOf(list), { push: undefined }));
  if (PARTS.some((id) => document.getElementById(id))) work.push(refreshRecord());
  return Promise.allSettled(work);
}
