// Starts everything. Each module listens on the document, so what htmx brings in later works without being wired.
import * as ask from "./ask.js";
import * as busy from "./busy.js";
import * as cells from "./cells.js";
import * as copy from "./copy.js";
import * as dirty from "./dirty.js";
import * as drawer from "./drawer.js";
import * as filters from "./filters.js";
import * as fit from "./fit.js";
import * as frame from "./frame.js";
import * as handover from "./handover.js";
import * as keys from "./keys.js";
import * as list from "./list.js";
import * as live from "./live.js";
import * as net from "./net.js";
import * as palette from "./palette.js";
import * as picker from "./picker.js";

import * as pop from "./pop.js";
import * as preview from "./preview.js";
import * as print from "./print.js";
import * as rows from "./rows.js";
import * as scan from "./scan.js";
import * as search from "./search.js";
import * as select from "./select.js";
import * as tabs from "./tabs.js";
import * as times from "./times.js";
import * as toast from "./toast.js";
import * as undo from "./undo.js";
import * as wrong from "./wrong.js";

// The order matters where two listen to the same event: questions first, the guard of changed forms last.
[ask, net, toast, pop, frame, scan, search, palette, select, cells, filters, fit, list, tabs, rows, drawer, preview, undo, wrong, copy, print, handover, keys, times, live, busy, dirty].forEach((part) => part.start());

// New content: pickers are dressed before the form is remembered as it was opened.
function fresh(root) {
  picker.dress(root);
  dirty.watch(root);
  fit.fitAll(root);
}

window.htmx.onLoad(fresh);
document.addEventListener("clientele:fresh", ({ target }) => picker.dress(target));
document.querySelector("main [data-form-errors]")?.focus();
// A file that was asked for before the password was: fetched now, once.
document.querySelector("[data-fetch]")?.click();
