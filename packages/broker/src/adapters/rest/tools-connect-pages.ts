import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { html } from "hono/html";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { page, problemPage } from "./sign-in-page.ts";
import { signedInPerson } from "./signed-in.ts";
import { orConnectProblem } from "./tools-connect-problem.ts";

const LINK_SECONDS = 10 * 60;
const MAX_SEALED_CHARS = 4_096;

/** `GET /oauth/tool-connect` and `GET /oauth/tool-callback` for people's browsers, and the broker's client id metadata documents for anybody. */
export function addToolConnectPages(app: OpenAPIHono, ports: RestPorts): void {
  for (const [path, document] of ports.toolAccess.documents) {
    app.get(path, (c) => {
      c.header("cache-control", "public, max-age=300");
      return c.json(document);
    });
  }
  app.get("/oauth/tool-connect", (c) => answered(() => enter(ports, c)));
  app.get("/oauth/tool-callback", (c) => answered(() => finish(ports, c)));
}

async function enter(ports: RestPorts, c: Context): Promise<Response> {
  const link = c.req.query("link") ?? "";
  if (link.length > MAX_SEALED_CHARS)
    throw new Problem("malformed_request", "the link is too long to be one of this broker", ["open it as it was printed"]);
  const signedIn = await signedInPerson(ports, { cookie: c.req.header("cookie") });
  const { location, ticket } = await orConnectProblem(() => ports.toolAccess.enter(link, signedIn?.person.id));
  // Lax: the browser comes back from another site. It is the only one that holds the ticket, so an answer that is fetched elsewhere is worth nothing.
  setCookie(c, cookieName(ports), ticket, { httpOnly: true, sameSite: "Lax", path: "/", secure: isSecure(ports), maxAge: LINK_SECONDS });
  c.header("cache-control", "no-store");
  c.header("referrer-policy", "no-referrer");
  return c.redirect(location, 303);
}

async function finish(ports: RestPorts, c: Context): Promise<Response> {
  const ticket = getCookie(c, cookieName(ports));
  deleteCookie(c, cookieName(ports), { path: "/", secure: isSecure(ports) });
  const done = await orConnectProblem(() => ports.toolAccess.finish(ticket, new URL(c.req.url).searchParams));
  const note = done.lasting ? "" : html`<p>Its server gave no right to come back: connect it again when the token has ended.</p>`;
  const made = await page(
    html`<p>
        The tool <b>${done.tool}</b> is connected for ${done.tenant}, environment ${done.environment}, workflow ${done.workflow}. You can
        close this page.
      </p>
      ${note}`,
    200,
    "",
    "Connected",
  );
  for (const [name, value] of made.headers) c.header(name, value);
  return c.body(await made.text());
}

async function answered(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem) return problemPage(error);
    throw error;
  }
}

function cookieName(ports: RestPorts): string {
  return isSecure(ports) ? "__Host-bailiwick_tool" : "bailiwick_tool";
}

function isSecure({ publicUrl }: RestPorts): boolean {
  return publicUrl.startsWith("https:");
}
