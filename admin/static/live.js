// A record that changes by itself is fetched anew every few seconds, for as long as it is on screen and says so.
import { refresh } from "./refresh.js";

const EVERY = 2000; // ms

async function look() {
  const waiting = !document.hidden && !document.querySelector("dialog[open]");
  if (waiting && document.querySelector("[data-live]")) await refresh();
  setTimeout(look, EVERY);
}

export function start() {
  setTimeout(look, EVERY);
}
