import type { AppPath } from "../../src/paths.ts";

/** A place in the navigation. `page` is of this application; `plain` a document of its own. */
export type Section = { readonly name: string; readonly key?: string } & (
  | { readonly page: AppPath }
  | { readonly plain: "/people" | "/account" }
);

/** In the order of the navigation. `key`: the second of two keys, after `g`. */
export const SECTIONS: readonly Section[] = [
  { name: "Inbox", page: "/", key: "i" },
  { name: "Calls", page: "/calls", key: "c" },
  { name: "Agents", page: "/agents", key: "a" },
  { name: "Matrix", page: "/matrix", key: "m" },
  { name: "Tools", page: "/tools", key: "t" },
  { name: "Policy", page: "/policy", key: "p" },
  { name: "Log", page: "/log", key: "l" },
  { name: "Overview", page: "/overview", key: "o" },
  { name: "Elevations", page: "/elevations", key: "e" },
  { name: "Duty and habits", page: "/duty", key: "d" },
  { name: "Notifications", page: "/notifications", key: "n" },
  { name: "People", plain: "/people" },
  { name: "Account", plain: "/account" },
];
