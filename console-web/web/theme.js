// Sets the theme before the first paint, so that a dark page does not flash white.
// The console itself takes over from here (src/theme.rs uses the same key and classes).
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("multios-theme");
  } catch {
    // Storage may be denied; the system's preference remains.
  }
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("pf-v6-theme-dark", dark);
})();
