// Starts the module, and says so in words if that fails: an old browser, a broken connection.
import init from "%asset:console.js%";

init({ module_or_path: "%asset:console.wasm%" }).catch((error) => {
  const text = document.getElementById("boot-text");
  if (text) {
    text.textContent = `The console could not be started: ${error}. Reload the page to try again.`;
  }
});
