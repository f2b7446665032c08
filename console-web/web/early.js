// What cannot wait for the module.
(() => {
  // The one-time secret of the printed link leaves the address bar before anything is loaded or
  // drawn. The module takes it from here (src/browser.rs) and forgets it.
  if (location.hash.startsWith("#/sign-in?")) {
    window.multiosSignIn = location.hash;
    history.replaceState(null, "", "#/");
  }
  // The theme is set before the first paint, so that a dark page does not flash white
  // (src/theme.rs goes on with the same key and class).
  let chosen = null;
  try {
    chosen = localStorage.getItem("multios-theme");
  } catch {
    // Storage may be denied; the system's preference remains.
  }
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("pf-v6-theme-dark", dark);
})();
