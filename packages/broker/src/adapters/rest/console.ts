import { consoleFiles } from "@bailiwick/console";
import type { OpenAPIHono } from "@hono/zod-openapi";

/** Headers of every page: nothing inline, nothing from elsewhere, no string ever becomes markup or script. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  // The Origin header of the sign-in form must stay: `no-referrer` would turn it into `null`.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/** Serves the page people work in. It holds no data: everything it shows comes from `/api/v1` under the person's own sign-in. */
export function addConsole(app: OpenAPIHono): void {
  for (const file of consoleFiles()) {
    app.get(file.path, () => new Response(file.text, { headers: { ...PAGE_HEADERS, "content-type": file.contentType } }));
  }
}
