import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { LoginVia, Via } from "../../domain/person.ts";
import { addEndpoint, nothing, parsePart } from "./endpoint.ts";
import { beginSession, endBrowserSession, forgetPersonCookie, newSecret, signInBrowser } from "./person-cookie.ts";
import { personNamed, recordPerson } from "./person-record.ts";
import type { RestPorts } from "./ports.ts";
import { checkOrigin, doerOf, type Principal, secretHash, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { peopleUrl } from "./relying-party.ts";
import { nameSchema, personSchema, problemSchema } from "../../rest-contract/schemas.ts";
import { signInPage } from "./sign-in-page.ts";

/** A sign-in link is used at once or not at all. */
export const LOGIN_CODE_MS = 15 * 60 * 1000;

const codeSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/u);

/** `GET /me`, `POST /login-links`, `POST /people/token`, `POST /people/sign-out`. */
export function addPeopleEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/me",
    tag: "people",
    summary: "who is asking",
    need: "view",
    params: nothing,
    query: nothing,
    body: nothing,
    answer: personSchema,
    handle: async ({ principal }) => viewPrincipal(principal),
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/login-links",
    tag: "people",
    summary: "makes a one-time sign-in code for a person",
    need: "operator-key",
    params: nothing,
    query: nothing,
    body: z.strictObject({ person: nameSchema, via: z.enum(["login-link", "operator-key"]).default("login-link") }),
    answer: z.object({ person: z.string(), code: z.string(), url: z.string(), expiresAt: z.string() }),
    handle: async ({ principal, body }) => createLoginLink(ports, principal, body.person, body.via),
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/people/sign-out",
    tag: "people",
    summary: "ends this sign-in",
    need: "view",
    params: nothing,
    query: nothing,
    body: nothing,
    answer: z.object({ signedOut: z.boolean() }),
    handle: async ({ principal }) => {
      if (principal.kind === "person") await ports.people.endSession(principal.tokenHash);
      return { signedOut: principal.kind === "person" };
    },
  });
  addTokenEndpoint(app, ports);
}

/** `GET /login` shows a button and changes nothing, because mail scanners follow links; `POST /login` redeems the code into a cookie. */
export function addSignInPages(app: OpenAPIHono, ports: RestPorts): void {
  app.get("/login", (c) => {
    const code = codeSchema.safeParse(c.req.query("code"));
    return code.success ? signInPage({ code: code.data }) : signInPage({ problem: "this link carries no sign-in code" });
  });
  app.post("/login", async (c) => {
    checkOrigin(ports.origins, c.req.header("origin"));
    const form = new URLSearchParams(await c.req.text());
    const code = codeSchema.safeParse(form.get("code"));
    const redeemed = code.success ? await ports.people.redeemLoginCode(secretHash(code.data), ports.now()) : undefined;
    if (redeemed === undefined) return signInPage({ problem: "this sign-in link is unknown, used or expired" });
    const person = ports.policy().people.find((candidate) => candidate.id === redeemed.person);
    if (person === undefined) return signInPage({ problem: "the person of this sign-in link has left the policy" });
    await recordPerson(ports, person, "person.signed_in", { by: { person: person.id }, via: redeemed.via });
    await signInBrowser(ports, c, redeemed);
    return c.redirect("/", 303);
  });
  app.post("/logout", async (c) => {
    checkOrigin(ports.origins, c.req.header("origin"));
    await endBrowserSession(ports, c);
    forgetPersonCookie(ports, c);
    return c.redirect("/", 303);
  });
}

/** Redeems a code for a bearer token. It needs no sign-in: the code is one. */
function addTokenEndpoint(app: OpenAPIHono, ports: RestPorts): void {
  const body = z.strictObject({ code: codeSchema });
  const answer = z.object({ token: z.string(), person: z.string(), via: z.string(), expiresAt: z.string() });
  const problem = { content: { "application/problem+json": { schema: problemSchema } } };
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/api/v1/people/token",
    tags: ["people"],
    summary: "redeems a one-time code for a bearer token",
    security: [],
    request: { body: { content: { "application/json": { schema: body } } } },
    responses: {
      200: { description: "the token", content: { "application/json": { schema: answer } } },
      401: { description: "the code is unknown, used or expired", ...problem },
      default: { description: "any other problem", ...problem },
    },
  });
  app.post("/people/token", async (c) => {
    const origin = c.req.header("origin");
    if (origin !== undefined) checkOrigin(ports.origins, origin);
    const { code } = parsePart(body, await c.req.json().catch(() => undefined), "body");
    const session = await redeem(ports, code);
    if (session === undefined) {
      throw new Problem("unauthenticated", "this sign-in code is unknown, used or expired", [
        "run `bailiwick login <person>` for a new one",
      ]);
    }
    const { token, person, via, expiresAt } = session;
    return c.json({ token, person, via, expiresAt: expiresAt.toISOString() });
  });
}

async function createLoginLink(
  ports: RestPorts,
  principal: Principal,
  id: string,
  via: LoginVia,
): Promise<{ person: string; code: string; url: string; expiresAt: string }> {
  const person = personNamed(ports, id);
  const code = newSecret(ports);
  const expiresAt = new Date(ports.now().getTime() + LOGIN_CODE_MS);
  await recordPerson(ports, person, "person.login_link", {
    by: doerOf(principal),
    via: viaOf(principal),
    body: { for: via, expiresAt: expiresAt.toISOString() },
  });
  await ports.people.createLoginCode({ hash: secretHash(code), person: person.id, via, expiresAt });
  return { person: person.id, code, url: `${peopleUrl(ports.publicUrl)}/login?code=${code}`, expiresAt: expiresAt.toISOString() };
}

async function redeem(ports: RestPorts, code: string): Promise<{ token: string; person: string; via: Via; expiresAt: Date } | undefined> {
  const redeemed = await ports.people.redeemLoginCode(secretHash(code), ports.now());
  return redeemed === undefined ? undefined : { ...redeemed, ...(await beginSession(ports, redeemed)) };
}

function viewPrincipal(principal: Principal): z.input<typeof personSchema> {
  if (principal.kind === "operator") {
    return {
      kind: "operator",
      id: "operator-key",
      name: "operator key of this data folder",
      tenants: [...principal.tenants],
      roles: [],
      via: "operator-key",
    };
  }
  const { id, name, roles } = principal.person;
  return { kind: "person", id, name, tenants: [...principal.tenants], roles: [...roles], via: principal.via };
}
