// One question with two answers, in a dialog. Forms, buttons and links with data-confirm ask it before they go.
import { text } from "./text.js";

export function ask(question, { yes = text("go_on"), no = text("cancel"), danger = false } = {}) {
  const dialog = document.getElementById("ask");
  dialog.querySelector("#ask-text").textContent = question;
  const refuse = dialog.querySelector("[data-ask-no]");
  refuse.textContent = no;
  const confirm = dialog.querySelector("[data-ask-yes]");
  confirm.textContent = yes;
  confirm.className = `btn ${danger ? "btn-danger" : "btn-primary"}`;
  dialog.returnValue = "no";
  dialog.showModal();
  // Answered at the click: the event of closing comes later, when the next question may stand there already.
  return new Promise((resolve) => {
    const listening = new AbortController();
    const { signal } = listening;
    const answer = (yes) => {
      listening.abort();
      dialog.close();
      resolve(yes);
    };
    confirm.addEventListener("click", () => answer(true), { signal });
    refuse.addEventListener("click", () => answer(false), { signal });
    dialog.addEventListener("cancel", () => answer(false), { signal });
    dialog.addEventListener("close", () => dialog.open || answer(dialog.returnValue === "yes"), { signal });
  });
}

const confirmed = new WeakSet();

async function onSubmit(event) {
  const { target: form, submitter } = event;
  const holder = submitter?.dataset.confirm ? submitter : form;
  const question = holder.dataset.confirm;
  if (!question || confirmed.delete(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const yes = (submitter?.textContent || "").trim() || undefined;
  if (await ask(question, { yes, danger: "danger" in holder.dataset })) {
    confirmed.add(form);
    form.requestSubmit(submitter);
  }
}

async function onClick(event) {
  const link = event.target.closest("a[data-confirm]");
  if (!link || confirmed.delete(link)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (await ask(link.dataset.confirm, { yes: link.textContent.trim() })) {
    confirmed.add(link);
    link.click();
  }
}

export function start() {
  // Capturing, so that the question comes before anything else that listens.
  document.addEventListener("submit", onSubmit, true);
  document.addEventListener("click", onClick, true);
}
