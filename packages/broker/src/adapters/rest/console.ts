import { APP_PATHS, builtConsole, type BuiltConsole, type ConsoleFile, plainFiles } from "@bailiwick/console";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Problem } from "./problem.ts";

/** Headers of every page: nothing inline, nothing from elsewhere, no string ever becomes markup or script. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  // The Origin header of the sign-in form must stay: `no-referrer` would turn it into `null`.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  // For browsers that do not know `frame-ancestors`.
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/** The page that turns messages on makes one address of a worker, which is the only one it can make; no other page makes any. */
const PUSH_HEADERS: Readonly<Record<string, string>> = {
  ...PAGE_HEADERS,
  "content-security-policy": (PAGE_HEADERS["content-security-policy"] ?? "").replace("trusted-types 'none'", "trusted-types push-worker"),
};

/** The name of such a file changes with its content, so it never has to be asked for again (RFC 8246). */
const ASSET_CACHING = "public, max-age=31536000, immutable";

/** Serves the pages people work in. They hold no data: everything they show comes from `/api/v1` under the person's own sign-in. */
export function addConsole(app: OpenAPIHono): void {
  for (const file of plainFiles()) app.get(file.path, (c) => served(c, file));
  let read: BuiltConsole | undefined;
  const built = (): BuiltConsole => {
    read ??= builtConsole();
    if (read !== undefined) return read;
    throw new Problem("internal_fault", "the console's sources, as they are now, were not built", [
      "run `npm run console` on the broker's machine",
      "until then the command line does the same: `bailiwick approvals`",
    ]);
  };
  for (const path of APP_PATHS) app.get(path.replaceAll("$", ":"), (c) => served(c, built().document));
  app.get("/assets/:name", (c) => {
    const asset = built().assets.get(c.req.param("name"));
    return asset === undefined ? c.notFound() : served(c, asset, ASSET_CACHING);
  });
}

function served(c: Context, file: ConsoleFile, caching?: string): Response {
  const compressed = file.gzip !== undefined && takesGzip(c.req.header("accept-encoding")) ? file.gzip : undefined;
  return new Response(compressed ?? file.content, {
    headers: {
      ...(file.path === "/account" ? PUSH_HEADERS : PAGE_HEADERS),
      "content-type": file.contentType,
      ...(file.gzip === undefined ? {} : { vary: "accept-encoding" }),
      ...(compressed === undefined ? {} : { "content-encoding": "gzip" }),
      ...(caching === undefined ? {} : { "cache-control": caching }),
    },
  });
}

/** Whether the client says that it can read gzip, and not that it would rather not (RFC 9110 section 12.5.3). */
function takesGzip(accepted = ""): boolean {
  return accepted.split(",").some((part) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/iu.test(part));
}
