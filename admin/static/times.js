// "2 h ago" stays true while the page is open. The server writes the first version, with the exact time as its title.
import { text } from "./text.js";

const MINUTE = 60_000;

function words(age) {
  if (age < MINUTE) return text("just_now");
  if (age < 60 * MINUTE) return text("minutes", { n: Math.floor(age / MINUTE) });
  if (age < 24 * 60 * MINUTE) return text("hours", { n: Math.floor(age / (60 * MINUTE)) });
  return null; // older than a day: what the server wrote stays right for as long as anyone keeps a page open
}

function renew() {
  document.querySelectorAll("time[data-relative]").forEach((time) => {
    const fresh = words(Date.now() - Date.parse(time.dateTime));
    if (fresh && time.textContent !== fresh) time.textContent = fresh;
  });
}

export function start() {
  setInterval(renew, MINUTE);
}
