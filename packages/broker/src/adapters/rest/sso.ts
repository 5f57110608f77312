import { createHmac } from "node:crypto";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { PersonConfig } from "@bailiwick/policy";
import type { SsoAccount } from "../../domain/person.ts";
import type { SsoFlow } from "../../domain/sign-in.ts";
import { personOf } from "./account.ts";
import { stepUpSchema } from "./assertion-schema.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import { codeSchema, enrolling } from "./enrolment.ts";
import { type IdentityProvider, identityProviders, type SsoSecrets } from "./identity-provider.ts";
import { safeNext } from "./next-path.ts";
import { addOpenEndpoint } from "./open-endpoint.ts";
import { setShortCookie, signInBrowser, takeShortCookie } from "./person-cookie.ts";
import { receiptFacts, recordPerson } from "./person-record.ts";
import type { RestPorts } from "./ports.ts";
import { viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { peopleUrl } from "./relying-party.ts";
import { leftPolicy, nextSchema } from "./sign-in-passkey.ts";
import { problemPage, signedInPage } from "./sign-in-page.ts";
import { secretHash } from "./signed-in.ts";
import { withFreshOrStepUp } from "./step-up-acts.ts";

/** Signing in at the provider may take a password and a second factor. */
export const SSO_FLOW_MS = 10 * 60 * 1000;
/** A logout token is a small JWT. */
const MAX_LOGOUT_CHARS = 16_384;

export interface Sso {
  /** `POST /sign-in/sso`, `POST /enrolment/sso`, `POST /account/sso`: each answers where to send the browser. */
  addEndpoints(app: OpenAPIHono): void;
  /** `GET /sso/return` for browsers and `POST /sso/back-channel-logout` for the provider. */
  addPages(app: OpenAPIHono): void;
}

/**
 * Single sign-on by OpenID Connect: authorization code with PKCE, `state`, `nonce` and `iss`. An account at the provider opens a person's
 * sign-in only after that person linked it; its e-mail address counts for nothing, because the provider's users can often change it.
 */
export function createSso(ports: RestPorts): Sso {
  const provider = identityProviders(ports, `${peopleUrl(ports.publicUrl)}/sso/return`);
  return { addEndpoints: (app) => addStarts(app, ports, provider), addPages: (app) => addPages(app, ports, provider) };
}

function addStarts(app: OpenAPIHono, ports: RestPorts, provider: () => IdentityProvider): void {
  const answer = z.object({ url: z.string() });
  addOpenEndpoint(app, ports, {
    method: "post",
    path: "/sign-in/sso",
    tag: "sign-in",
    summary: "begins a sign-in at the identity provider",
    body: z.strictObject({ next: nextSchema }),
    answer,
    handle: async ({ context, body }) => start(ports, provider(), context, { next: safeNext(body.next) }),
  });
  addOpenEndpoint(app, ports, {
    method: "post",
    path: "/enrolment/sso",
    tag: "sign-in",
    summary: "begins linking an account at the identity provider, as the holder of an enrolment link",
    body: z.strictObject({ code: codeSchema }),
    answer,
    handle: async ({ context, body }) => {
      const enrolment = secretHash(body.code);
      enrolling(ports, await ports.signIn.enrolments.find(enrolment, ports.now()));
      return start(ports, provider(), context, { next: "/account", enrolment });
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/account/sso",
    tag: "account",
    summary: "begins linking an account at the identity provider to the asking person",
    need: "self",
    params: nothing,
    query: nothing,
    body: z.strictObject({ stepUp: stepUpSchema.optional() }),
    answer,
    handle: async ({ principal, context, body }) => {
      const person = personOf(principal);
      const act = { action: "link_sso", subject: person.id } as const;
      return withFreshOrStepUp(ports, { context, principal, act, given: body.stepUp }, async (receipt) => {
        const signed = { by: { person: person.id }, via: viaOf(principal), facts: receiptFacts(receipt) };
        await recordPerson(ports, person, "person.sso_linking", signed);
        return start(ports, provider(), context, { next: "/account", linkPerson: person.id });
      });
    },
  });
}

async function start(
  ports: RestPorts,
  provider: IdentityProvider,
  context: Context,
  about: Pick<SsoFlow, "next" | "linkPerson" | "enrolment">,
): Promise<{ url: string }> {
  const secrets = secretsOf(setShortCookie(ports, context, "bailiwick_sso", SSO_FLOW_MS));
  const url = await provider.authorizationUrl(secrets);
  await ports.signIn.sso.begin({ ...about, state: secretHash(secrets.state), expiresAt: new Date(ports.now().getTime() + SSO_FLOW_MS) });
  return { url };
}

function addPages(app: OpenAPIHono, ports: RestPorts, provider: () => IdentityProvider): void {
  app.get("/sso/return", async (c) => {
    try {
      return await finish(ports, provider(), c);
    } catch (error) {
      if (error instanceof Problem) return problemPage(error);
      throw error;
    }
  });
  app.post("/sso/back-channel-logout", async (c) => {
    c.header("cache-control", "no-store");
    try {
      await logOut(ports, provider(), await c.req.text());
      return c.body(null, 200);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return c.json(
        { error: error.code === "sso_unavailable" ? "temporarily_unavailable" : "invalid_request" },
        error.code === "sso_unavailable" ? 503 : 400,
      );
    }
  });
}

/** The attacks: login CSRF and a stolen answer (the cookie of the browser that began), and replay (a flow is handed out once). */
async function finish(ports: RestPorts, provider: IdentityProvider, c: Context): Promise<Response> {
  const cookie = takeShortCookie(ports, c, "bailiwick_sso");
  const secrets = cookie === undefined ? undefined : secretsOf(cookie);
  const flow = secrets === undefined ? undefined : await ports.signIn.sso.take(secretHash(secrets.state), ports.now());
  if (secrets === undefined || flow === undefined) {
    throw new Problem("sso_refused", "this sign-in was not begun in this browser, is used already or took too long", [
      "sign in again from the sign-in page",
    ]);
  }
  const account = await provider.redeem(new URL(c.req.url).searchParams, secrets);
  const person = await personFor(ports, flow, account);
  await recordPerson(ports, person, "person.signed_in", { by: { person: person.id }, via: "sso", body: { issuer: account.issuer } });
  await signInBrowser(ports, c, { person: person.id, via: "sso", sso: account });
  return signedInPage(c, flow.next);
}

async function personFor(ports: RestPorts, flow: SsoFlow, account: SsoAccount): Promise<PersonConfig> {
  const { enrolment, linkPerson } = flow;
  if (enrolment !== undefined) {
    const person = enrolling(ports, await ports.signIn.enrolments.find(enrolment, ports.now()));
    await link(ports, person, account, "enrolment-link", async () => {
      enrolling(ports, await ports.signIn.enrolments.use(enrolment, ports.now()));
    });
    return person;
  }
  const linked = linkPerson ?? (await ports.signIn.sso.personOf(account));
  if (linked === undefined) {
    throw new Problem("sso_refused", "this account of the identity provider is not linked to any person here", [
      "ask an owner for an enrolment link (`bailiwick people invite <person>`), open it and choose single sign-on",
      "or sign in with a passkey and link the account on the account page",
    ]);
  }
  const person = ports.policy().people.find((candidate) => candidate.id === linked);
  if (person === undefined) throw leftPolicy();
  if (linkPerson !== undefined) await link(ports, person, account, "account-page", async () => undefined);
  return person;
}

async function link(ports: RestPorts, person: PersonConfig, account: SsoAccount, via: string, use: () => Promise<void>): Promise<void> {
  const owner = await ports.signIn.sso.personOf(account);
  if (owner !== undefined && owner !== person.id) throw foreignAccount();
  const said = { body: { issuer: account.issuer }, facts: { subject: account.subject } };
  await recordPerson(ports, person, "person.sso_linked", { by: { person: person.id }, via, ...said });
  await use();
  if (!(await ports.signIn.sso.link(account, person.id, ports.now()))) throw foreignAccount();
}

function foreignAccount(): Problem {
  return new Problem("sso_refused", "this account of the identity provider is linked to another person", [
    "sign out at the identity provider and use your own account",
  ]);
}

/** Ends the sign-ins that a logout token names (OpenID Connect Back-Channel Logout 1.0, section 2.7). */
async function logOut(ports: RestPorts, provider: IdentityProvider, form: string): Promise<void> {
  const tokens = new URLSearchParams(form).getAll("logout_token");
  const [token] = tokens;
  if (token === undefined || tokens.length !== 1 || token.length > MAX_LOGOUT_CHARS)
    throw new Problem("malformed_request", "the body holds no single `logout_token`", ["send it form-encoded"]);
  const notice = await provider.readLogout(token);
  if (!(await ports.signIn.sso.rememberLogout(notice)))
    throw new Problem("sso_refused", "this logout token was used already", ["send a new one"]);
  for (const id of await ports.people.endSsoSessions(notice)) {
    const person = ports.policy().people.find((candidate) => candidate.id === id);
    const said = { by: { named: notice.issuer }, via: "back-channel-logout" };
    if (person !== undefined) await recordPerson(ports, person, "person.signed_out", said);
  }
}

/** One cookie holds all: `state`, `nonce` and the code verifier follow from it, so the store never sees a secret. */
function secretsOf(cookie: string): SsoSecrets {
  const derived = (purpose: string): string => createHmac("sha256", cookie).update(`bailiwick/sso/${purpose}`).digest("base64url");
  return { state: derived("state"), nonce: derived("nonce"), codeVerifier: derived("code-verifier") };
}
