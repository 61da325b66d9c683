// The words scripts say. They come translated from the server in <body data-strings>.
let strings;

export function text(key, values = {}) {
  strings ??= JSON.parse(document.body.dataset.strings || "{}");
  return (strings[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
