import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { type ReactNode, lazy, Suspense, useEffect, useRef, useState } from "react";
import { Toasts } from "../ui/toast.tsx";
import { Help } from "./help.tsx";
import { type Shortcut, useShortcuts } from "./keys.ts";
import { Nav, useSections } from "./nav.tsx";
import { TopBar } from "./top-bar.tsx";

const Palette = lazy(async () => ({ default: (await import("./palette.tsx")).Palette }));

/** What surrounds every page. */
export function Shell(): ReactNode {
  const [open, setOpen] = useState<"palette" | "help" | undefined>();
  const main = useRef<HTMLElement>(null);
  useGlobalKeys(setOpen);
  useFocusOnNewPage(main);
  return (
    <div className="flex min-h-dvh flex-col">
      <a href="#main" className="sr-only focus:not-sr-only focus:p-2">
        Skip to the content
      </a>
      <TopBar onPalette={() => setOpen("palette")} />
      <div className="flex grow max-md:flex-col">
        <Nav />
        <main id="main" ref={main} tabIndex={-1} className="min-w-0 grow outline-none">
          <Outlet />
        </main>
      </div>
      <Toasts />
      {open === "help" ? <Help onClose={() => setOpen(undefined)} /> : undefined}
      {open === "palette" ? (
        <Suspense>
          <Palette onClose={() => setOpen(undefined)} />
        </Suspense>
      ) : undefined}
    </div>
  );
}

function useGlobalKeys(open: (what: "palette" | "help") => void): void {
  const navigate = useNavigate();
  const sections = useSections();
  const leading = useRef(false);
  const shortcuts: Shortcut[] = [
    { key: "mod+k", does: "go to a page or do something", run: () => open("palette") },
    { key: "?", does: "show these keys", run: () => open("help") },
    { key: "g", does: "go: then the first letter of a section", run: () => lead(leading) },
  ];
  useShortcuts(shortcuts);
  useEffect(() => {
    // The letter after `g` comes before what it would mean by itself.
    const second = (event: KeyboardEvent): void => {
      if (!leading.current || event.key === "g") return;
      leading.current = false;
      const section = sections.find((one) => one.key === event.key);
      if (section === undefined || !("page" in section)) return;
      event.preventDefault();
      void navigate({ href: section.page });
    };
    addEventListener("keydown", second, true);
    return () => removeEventListener("keydown", second, true);
  }, [navigate, sections]);
}

const LEAD_MS = 1_500;

function lead(leading: { current: boolean }): void {
  leading.current = true;
  setTimeout(() => {
    leading.current = false;
  }, LEAD_MS);
}

/** A new page begins at its top for the keyboard too; the inbox moves the focus by itself between its cards. */
function useFocusOnNewPage(main: { readonly current: HTMLElement | null }): void {
  const section = useRouterState({ select: ({ location }) => location.pathname.split("/")[1]?.replace("approvals", "") });
  const before = useRef(section);
  useEffect(() => {
    if (before.current === section) return;
    before.current = section;
    main.current?.focus();
  }, [main, section]);
}
