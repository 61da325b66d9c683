// Runs before the first paint, so a dark page never flashes white. The choice is "auto" (as the system), "light" or "dark".
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage may be forbidden; the server's word stands then
    }
  };
  const choice = () => stored() || root.dataset.themeChoice || "auto";
  const apply = () => {
    const wanted = choice();
    root.dataset.themeChoice = wanted;
    root.dataset.bsTheme = wanted === "auto" ? (system.matches ? "dark" : "light") : wanted;
  };
  root.classList.add("js");
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("theme:next", () => {
    const order = ["auto", "light", "dark"];
    const next = order[(order.indexOf(choice()) + 1) % order.length];
    try {
      localStorage.setItem("theme", next);
    } catch {
      root.dataset.themeChoice = next;
    }
    apply();
  });
})();
