import { useLiveState } from "../api/live.ts";
import { useMe } from "../api/queries.ts";
import { Button } from "../ui/button.tsx";
import { Text } from "../ui/untrusted.tsx";
import { useChooseTenant, useTenant } from "./tenant.ts";
import { useTheme } from "./theme.ts";

/** Across the top: which tenant, whether the page is live, the palette, the theme, who is signed in. */
export function TopBar({ onPalette }: { readonly onPalette: () => void }) {
  const me = useMe();
  const tenant = useTenant();
  const chooseTenant = useChooseTenant();
  const [theme, nextTheme] = useTheme();
  return (
    <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-card px-3 py-1.5">
      <a href="/" className="mr-2 font-semibold text-ink no-underline">
        Bailiwick
      </a>
      <label className="flex items-center gap-1.5">
        <span className="text-soft">Tenant</span>
        <select
          className="min-h-7 max-w-40 rounded border border-edge bg-card px-1.5"
          value={tenant ?? ""}
          onChange={(event) => chooseTenant(event.target.value === "" ? undefined : event.target.value)}
        >
          <option value="">all</option>
          {me?.tenants.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Live />
      <div className="ml-auto flex flex-wrap items-center gap-x-2 gap-y-1">
        <Button onClick={onPalette} aria-keyshortcuts="Control+K">
          Go to… <kbd className="font-mono text-xs text-soft">Ctrl K</kbd>
        </Button>
        <Button look="quiet" onClick={nextTheme} aria-label={`Theme: ${theme}. Change it`}>
          <span aria-hidden="true">{theme === "dark" ? "☾" : theme === "light" ? "☀" : "◐"}</span>
        </Button>
        {me === undefined ? undefined : (
          <a href="/account" className="text-ink" title={me.roles.length === 0 ? "no role" : me.roles.join(", ")}>
            <Text>{me.name}</Text>
          </a>
        )}
        <form method="post" action="/logout">
          <Button type="submit">Sign out</Button>
        </form>
      </div>
    </header>
  );
}

function Live() {
  const state = useLiveState();
  return (
    <span role="status" className={state === "polling" ? "font-medium text-ask" : "text-soft"}>
      <span aria-hidden="true">{state === "live" ? "●" : "○"}</span>{" "}
      {state === "live" ? "live" : state === "polling" ? "not live: looks every 10 s" : "connecting"}
    </span>
  );
}
