import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { builtFolder } from "./built.ts";

export { APP_PATHS } from "./paths.ts";

/** A file of the console as it is served. */
export interface ConsoleFile {
  readonly path: string;
  readonly contentType: string;
  readonly content: Uint8Array<ArrayBuffer>;
  /** The same, compressed by gzip. */
  readonly gzip?: Uint8Array<ArrayBuffer> | undefined;
}

/** The application, built from its sources. */
export interface BuiltConsole {
  /** The document of every page of it. */
  readonly document: ConsoleFile;
  /** What the document loads; a file's name holds the digest of its content. */
  readonly assets: ReadonlyMap<string, ConsoleFile>;
}

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const STYLE = "text/css; charset=utf-8";
const TYPES: Readonly<Record<string, string>> = { html: HTML, js: SCRIPT, css: STYLE, svg: "image/svg+xml" };

const PLAIN = [
  { path: "/console.css", file: "console.css", contentType: STYLE },
  { path: "/dom.js", file: "dom.js", contentType: SCRIPT },
  { path: "/api.js", file: "api.js", contentType: SCRIPT },
  { path: "/theme.js", file: "theme.js", contentType: SCRIPT },
  { path: "/sign-in", file: "sign-in.html", contentType: HTML },
  { path: "/sign-in.js", file: "sign-in.js", contentType: SCRIPT },
  { path: "/enrol", file: "enrol.html", contentType: HTML },
  { path: "/enrol.js", file: "enrol.js", contentType: SCRIPT },
  { path: "/account", file: "account.html", contentType: HTML },
  { path: "/account.js", file: "account.js", contentType: SCRIPT },
  { path: "/push.js", file: "push.js", contentType: SCRIPT },
  { path: "/people", file: "people.html", contentType: HTML },
  { path: "/people.js", file: "people.js", contentType: SCRIPT },
  { path: "/passkey.js", file: "passkey.js", contentType: SCRIPT },
  { path: "/codes.js", file: "codes.js", contentType: SCRIPT },
  { path: "/place.js", file: "place.js", contentType: SCRIPT },
  { path: "/icon.svg", file: "icon.svg", contentType: "image/svg+xml" },
] as const;

/** The pages about signing in and one's own account, read once at start. They are served as they are written, and work without the application. */
export function plainFiles(): readonly ConsoleFile[] {
  return PLAIN.map(({ path, file, contentType }) => ({
    path,
    contentType,
    content: new Uint8Array(readFileSync(new URL(`../public/${file}`, import.meta.url))),
  }));
}

/** Reads the application's build; undefined when its sources, as they are now, were not built. */
export function builtConsole(): BuiltConsole | undefined {
  const folder = builtFolder();
  if (folder === undefined) return undefined;
  const document = builtFile(folder, "index.html");
  const names = readdirSync(join(folder, "assets")).filter((name) => !name.endsWith(".gz"));
  return { document, assets: new Map(names.map((name) => [name, builtFile(folder, `assets/${name}`)])) };
}

function builtFile(folder: string, name: string): ConsoleFile {
  return {
    path: `/${name}`,
    contentType: TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    content: new Uint8Array(readFileSync(join(folder, name))),
    gzip: new Uint8Array(readFileSync(join(folder, `${name}.gz`))),
  };
}
