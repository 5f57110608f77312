import { Link, useRouter, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { usePendingCount } from "../api/pending.ts";
import { cls } from "../ui/classes.ts";
import { SECTIONS, type Section } from "./sections.ts";

const ITEM = "flex min-h-8 items-center justify-between gap-2 rounded px-2 whitespace-nowrap text-ink no-underline hover:bg-raised";

/** Sections whose page exists in this build. */
export function useSections(): readonly Section[] {
  const { routesByPath } = useRouter();
  return SECTIONS.filter((section) => !("page" in section) || section.page in routesByPath);
}

/** The places of the console: at the left, or in a row that scrolls where it is narrow. */
export function Nav() {
  const pending = usePendingCount();
  const onCard = useRouterState({ select: ({ location }) => location.pathname.startsWith("/approvals/") });
  const nav = useRef<HTMLElement>(null);
  const here = useRouterState({ select: ({ location }) => location.pathname.split("/")[1] });
  useEffect(() => {
    // Where the row is longer than the window, the place one is at comes into view.
    if (here !== undefined) nav.current?.querySelector("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [here]);
  return (
    <nav ref={nav} aria-label="Sections" className="shrink-0 border-line bg-card max-md:border-b md:w-40 md:border-r">
      <ul className="flex gap-0.5 p-1.5 max-md:overflow-x-auto md:flex-col">
        {useSections().map((section) => (
          <li key={section.name} className="shrink-0">
            {"page" in section ? (
              <Link
                to={section.page}
                search={(before: { readonly tenant?: string | undefined }) => ({ tenant: before.tenant })}
                activeOptions={{ exact: section.page === "/", includeSearch: false }}
                activeProps={{ className: "bg-chosen font-semibold" }}
                className={cls(ITEM, section.page === "/" && onCard && "bg-chosen font-semibold")}
              >
                {section.name}
                {section.page === "/" && pending !== undefined && pending > 0 ? (
                  <span className="rounded bg-ask-tint px-1.5 font-semibold text-ask">
                    {pending}
                    <span className="sr-only"> waiting</span>
                  </span>
                ) : undefined}
              </Link>
            ) : (
              <a href={section.plain} className={ITEM}>
                {section.name}
              </a>
            )}
          </li>
        ))}
      </ul>
    </nav>
  );
}
