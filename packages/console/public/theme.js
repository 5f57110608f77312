// Runs before the page is drawn, so that a chosen theme does not flash. Without a choice the system's is used.
(() => {
  let chosen;
  try {
    chosen = localStorage.getItem("bailiwick-theme");
  } catch {
    return;
  }
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
})();
