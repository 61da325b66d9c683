// Sends the form that hands a member of staff over to the customer portal; without scripts its button does.

export function start() {
  document.querySelector("form[data-hand-over]")?.submit();
}
