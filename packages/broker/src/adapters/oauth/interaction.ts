import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AgentConfig, ceilingScopes } from "@bailiwick/policy";
import { type Client, errors, type Interaction } from "oidc-provider";
import { z } from "zod";
import { safeNext, signInUrl } from "../rest/next-path.ts";
import { peopleUrl } from "../rest/relying-party.ts";
import { type SignedIn, signedInPerson } from "../rest/signed-in.ts";
import { agentsFor } from "./client-agents.ts";
import { consentPage, shownName } from "./consent-page.ts";
import { type AskedRights, askedRights } from "./grants/asked-rights.ts";
import { knownScopes } from "./known-scopes.ts";
import { OAuthError } from "./oauth-error.ts";
import type { OAuthPorts } from "./oauth-ports.ts";
import { errorPage, onwardPage, type Page } from "./pages.ts";
import { CONSENT_S } from "./provider-settings.ts";
import { recordConsent, recordDenial } from "./record-consent.ts";
import type { Shell } from "./shell.ts";
import { readForm } from "./token-form.ts";

/** An authorization a person is asked about. */
export interface Asked {
  readonly interaction: Interaction;
  readonly client: Client;
  readonly redirectUri: string;
  /** The catalog's scopes among those the client named; undefined when it named none that mean anything here. */
  readonly scopes: readonly string[] | undefined;
  readonly details: AskedRights;
  readonly detailsText: string | undefined;
}

const params = z.object({
  client_id: z.string(),
  redirect_uri: z.string(),
  scope: z.string().optional(),
  authorization_details: z.string().optional(),
});
const answer = z.object({ csrf: z.string(), answer: z.enum(["allow", "deny"]), agent: z.string().optional(), task: z.string().optional() });
const taskName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}+$/u);

/** `GET /oauth/interaction/<uid>` asks the person who is signed in; `POST` takes the answer. */
export async function answerInteraction(
  ports: OAuthPorts,
  shell: Shell,
  uid: string,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<undefined> {
  const asked = await askedIn(shell, uid, req, res);
  if (asked === undefined)
    return show(res, 400, await errorPage("this request has expired, was answered, or was begun in another browser"));
  const person = await signedInPerson(
    { ...ports, publicUrl: peopleUrl(ports.realm.issuer), now: () => ports.now(), policy: () => ports.policy() },
    req.headers,
  );
  if (person === undefined) return signInFirst(uid, req, res);
  if (req.method === "GET") return show(res, 200, await ask(ports, asked, person));
  if (req.method !== "POST") return show(res, 405, await errorPage("this page is opened or answered, nothing else"));
  const { fields } = await readForm(req);
  const said = answer.safeParse(fields);
  // Two checks, either of which would do: the browser says which page sent the form, and the form holds what only our page could know.
  const seen = said.data?.csrf.split(".", 1)[0] ?? "";
  if (!ports.origins.includes(req.headers.origin ?? "") || !said.success || !sameSecret(said.data.csrf, csrfOf(ports, uid, person, seen)))
    return show(res, 403, await errorPage("this answer was not sent by the broker's own page"));
  if (said.data.answer === "deny") {
    await recordDenial(ports, { person, ...asked }, tenantsAsked(ports, asked, person, said.data.agent));
    return finish(shell.finish(req, res, { error: "access_denied", error_description: "the person said no" }));
  }
  if (seen !== ports.policy().version)
    return show(res, 400, await ask(ports, asked, person, "The policy has changed since this page was shown, so look again"));
  const agent = agentsFor(ports.policy(), person.person, asked.client).find(({ name }) => name === said.data.agent);
  const task = taskName.safeParse(said.data.task);
  if (agent === undefined || !task.success) {
    const problem = agent === undefined ? "Choose one of the agents" : "Say in one line what it is for";
    return show(res, 400, await ask(ports, asked, person, problem));
  }
  const grantId = await allow(ports, shell, asked, { person, agent, task: task.data });
  return finish(shell.finish(req, res, { login: { accountId: person.person.id, remember: false }, consent: { grantId } }));
}

/** Undefined when the browser's cookie names no living interaction, or another one. */
async function askedIn(shell: Shell, uid: string, req: IncomingMessage, res: ServerResponse): Promise<Asked | undefined> {
  try {
    const interaction = await shell.interaction(req, res);
    if (interaction.uid !== uid) return undefined;
    const { client_id: id, redirect_uri: redirectUri, scope, authorization_details: detailsText } = params.parse(interaction.params);
    const client = await shell.client(id);
    if (client === undefined) return undefined;
    const details = askedRights(detailsText === undefined ? {} : { authorization_details: detailsText });
    return { interaction, client, redirectUri, scopes: namedScopes(scope, details), details, detailsText };
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined;
    throw error;
  }
}

/** Whose agents the client could have acted as: the chosen one's tenant, or those of all that were offered, or the person's own. */
function tenantsAsked(ports: OAuthPorts, { client }: Asked, { person }: SignedIn, chosen: string | undefined): readonly string[] {
  const policy = ports.policy();
  const offered = agentsFor(policy, person, client);
  const agent = offered.find(({ name }) => name === chosen);
  if (agent !== undefined) return [agent.tenant];
  return offered.length > 0 ? offered.map(({ tenant }) => tenant) : person.tenants.filter((tenant) => policy.tenants.includes(tenant));
}

/** Undefined when neither the parameter nor the details name a scope in our form. */
function namedScopes(text: string | undefined, details: AskedRights): readonly string[] | undefined {
  const named = [...(text ?? "").split(" "), ...(details.scope ?? [])].filter((token) => token.includes(":"));
  return named.length === 0 ? undefined : named;
}

/** The person signs in at the console and comes back. Its cookie does not travel with a link from outside, so our own page leads here once more. */
async function signInFirst(uid: string, req: IncomingMessage, res: ServerResponse): Promise<undefined> {
  const here = safeNext(`/oauth/interaction/${encodeURIComponent(uid)}`);
  if (req.method === "GET" && !(req.url ?? "").endsWith("?again")) return show(res, 200, await onwardPage(`${here}?again`));
  res.writeHead(303, { location: signInUrl(here), "cache-control": "no-store" });
  res.end();
  return undefined;
}

function ask(ports: OAuthPorts, asked: Asked, person: SignedIn, problem?: string): Promise<Page> {
  const policy = ports.policy();
  const { client, redirectUri, details, detailsText } = asked;
  return consentPage({
    policy,
    client,
    person: person.person.name,
    agents: agentsFor(policy, person.person, client),
    scopes: asked.scopes === undefined ? undefined : knownScopes(policy, asked.scopes.join(" ")),
    task: details.task ?? `with ${shownName(client)}`.slice(0, 200),
    details:
      detailsText === undefined ? undefined : JSON.stringify({ rows: details.rows, limits: details.limits, data: details.data }, null, 2),
    redirectUri,
    csrf: csrfOf(ports, asked.interaction.uid, person, policy.version),
    problem,
  });
}

/** Records the consent, then makes the grant a code will stand on. */
async function allow(
  ports: OAuthPorts,
  shell: Shell,
  asked: Asked,
  chosen: { readonly person: SignedIn; readonly agent: AgentConfig; readonly task: string },
): Promise<string> {
  const { person, agent, task } = chosen;
  const { client, interaction, details } = asked;
  const policy = ports.policy();
  const scopes = asked.scopes === undefined ? ceilingScopes(policy, agent.name) : knownScopes(policy, asked.scopes.join(" "));
  if (scopes.length === 0) throw new OAuthError("invalid_scope", "nothing that was asked for is in the catalog; ask for its scopes");
  await recordConsent(ports, { person, agent, client, scopes, task, redirectUri: asked.redirectUri });
  const grant = shell.newGrant({ accountId: person.person.id, clientId: client.clientId });
  grant.addResourceScope(ports.realm.audience, scopes.join(" "));
  const detailed = asked.detailsText !== undefined;
  if (detailed)
    for (const detail of z.array(z.record(z.string(), z.json())).parse(JSON.parse(asked.detailsText ?? "[]"))) grant.addRar(detail);
  const grantId = await grant.save();
  const expiresAt = new Date(ports.now().getTime() + CONSENT_S * 1000);
  const { data, rows, limits } = details;
  await ports.entities.put({
    kind: "Consent",
    id: grantId,
    grantId,
    payload: z.record(z.string(), z.json()).parse({
      person: person.person.id,
      agent: agent.name,
      client: client.clientId,
      task,
      run: ports.newId("run"),
      data,
      rows,
      limits,
      detailed,
    }),
    expiresAt,
  });
  // What the code is for is what the person saw, not only what the client wrote.
  interaction.params["scope"] = scopes.join(" ");
  await interaction.persist();
  return grantId;
}

/** Names the policy that the page was made of, because what is allowed must be what was seen. */
function csrfOf({ secret }: OAuthPorts, uid: string, { tokenHash }: SignedIn, version: string): string {
  const mac = createHmac("sha256", secret).update(`bailiwick consent v2\u0000${uid}\u0000${tokenHash}\u0000${version}`);
  return `${version}.${mac.digest("base64url")}`;
}

function sameSecret(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function show(res: ServerResponse, status: number, { html, headers }: Page): undefined {
  res.writeHead(status, { ...headers });
  res.end(html);
  return undefined;
}

async function finish(done: Promise<void>): Promise<undefined> {
  await done;
  return undefined;
}
