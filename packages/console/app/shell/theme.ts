import { useState } from "react";

export type Theme = "system" | "light" | "dark";

/** Read by `theme.js` before the page is drawn. */
const STORED = "bailiwick-theme";
const ORDER: readonly Theme[] = ["system", "light", "dark"];

/** The chosen theme, and the function that goes on to the next. */
export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  return [
    theme,
    () => {
      const next = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? "system";
      chooseTheme(next);
      setTheme(next);
    },
  ];
}

function chosenTheme(): Theme {
  const { theme } = document.documentElement.dataset;
  return theme === "light" || theme === "dark" ? theme : "system";
}

function chooseTheme(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === "system") delete dataset["theme"];
  else dataset["theme"] = theme;
  try {
    if (theme === "system") localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, theme);
  } catch {
    // Without storage the choice holds until the page is left.
  }
}
