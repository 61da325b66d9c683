// A field that cards are scanned into: what stands in it is selected, so that the scan takes its place and is not added to it.
const ready = (field) => field?.matches?.("[data-scan]") && field.select();

export function start() {
  document.addEventListener("focusin", ({ target }) => ready(target));
  ready(document.activeElement);
}
