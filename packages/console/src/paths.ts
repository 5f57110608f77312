/** Addresses of the console's pages, as its router writes them. The broker answers each with the same document; any other address stays "not found". */
export const APP_PATHS = [
  "/",
  "/approvals/$id",
  "/calls",
  "/calls/$id",
  "/runs/$run",
  "/agents",
  "/agents/$name",
  "/matrix",
  "/tools",
  "/tools/$tool",
  "/policy",
  "/log",
  "/overview",
  "/elevations",
  "/elevations/$id",
  "/duty",
  "/notifications",
] as const;

export type AppPath = (typeof APP_PATHS)[number];
