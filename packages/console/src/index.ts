import { readFileSync } from "node:fs";

/** A file of the page as it is served; texts only. */
export interface ConsoleFile {
  readonly path: string;
  readonly contentType: string;
  readonly text: string;
}

const FILES = [
  { path: "/", file: "index.html", contentType: "text/html; charset=utf-8" },
  { path: "/console.css", file: "console.css", contentType: "text/css; charset=utf-8" },
  { path: "/console.js", file: "console.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/dom.js", file: "dom.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/api.js", file: "api.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/approval-card.js", file: "approval-card.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/calls.js", file: "calls.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/sign-in", file: "sign-in.html", contentType: "text/html; charset=utf-8" },
  { path: "/sign-in.js", file: "sign-in.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/enrol", file: "enrol.html", contentType: "text/html; charset=utf-8" },
  { path: "/enrol.js", file: "enrol.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/account", file: "account.html", contentType: "text/html; charset=utf-8" },
  { path: "/account.js", file: "account.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/people", file: "people.html", contentType: "text/html; charset=utf-8" },
  { path: "/people.js", file: "people.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/passkey.js", file: "passkey.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/codes.js", file: "codes.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/place.js", file: "place.js", contentType: "text/javascript; charset=utf-8" },
  { path: "/icon.svg", file: "icon.svg", contentType: "image/svg+xml" },
] as const;

/** Every file the page consists of, read once at start. There is no build step: what is in `public/` is what is served. */
export function consoleFiles(): readonly ConsoleFile[] {
  return FILES.map(({ path, file, contentType }) => ({
    path,
    contentType,
    text: readFileSync(new URL(`../public/${file}`, import.meta.url), "utf8"),
  }));
}
