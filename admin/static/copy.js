// Copies what is shown once. Where the browser keeps the clipboard closed (no https), it stays selected for Ctrl C.
import { text } from "./text.js";
import { toast } from "./toast.js";

async function copy(field) {
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    if (!document.execCommand("copy")) return toast(text("copy_failed"), "bad");
  }
  toast(text("copied"));
}

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(document.getElementById(button.dataset.copy));
  });
  document.addEventListener("focusin", ({ target }) => target.matches("[data-secret]") && target.select());
}
