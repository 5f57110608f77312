import { randomBytes, randomUUID } from "node:crypto";
import { importPKCS8, SignJWT } from "jose";
import { z } from "zod";
import { createConnection } from "../../../packages/broker/src/adapters/mcp-client/index.ts";
import { createGuardedFetch } from "../../../packages/broker/src/adapters/outbound/guarded-fetch.ts";
import { authorizationUrl, checkedCode } from "../../../packages/broker/src/adapters/tool-oauth/authorization.ts";
import { type AuthorizationServer, discover, type Found } from "../../../packages/broker/src/adapters/tool-oauth/metadata.ts";
import { ownClient } from "../../../packages/broker/src/adapters/tool-oauth/own-client.ts";
import { scopesIn, withOffline } from "../../../packages/broker/src/adapters/tool-oauth/scopes.ts";
import { type OwnClient, requestTokens, type TokenPorts } from "../../../packages/broker/src/adapters/tool-oauth/token-endpoint.ts";
import { Fault } from "../../../packages/broker/src/domain/fault.ts";

/**
 * What the official suite starts as the client under test: the broker's connection to tool servers and its OAuth client for them
 * (`adapters/tool-oauth`). The driver's own part is what a policy file, a person's browser and the store are otherwise.
 */
const ATTEMPTS = 4;
const REDIRECT = "http://localhost:39123/callback";
/** The suite's own client metadata document; it is never fetched. */
const CLIENT_DOCUMENT = "https://conformance-test.local/client-metadata.json";
const SELF = { redirectUri: REDIRECT, documents: { signing: CLIENT_DOCUMENT, open: CLIENT_DOCUMENT } };

/** What the suite tells a client of itself: here in place of the tool's file. */
const contextSchema = z.looseObject({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  private_key_pem: z.string().optional(),
  signing_algorithm: z.string().default("ES256"),
});
const context = contextSchema.parse(JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}"));

const ports: TokenPorts = {
  fetch: createGuardedFetch({ allowLoopback: true }),
  now: () => new Date(),
  assertion: async (clientId, audience) =>
    new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: context.signing_algorithm })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime("60s")
      .sign(await importPKCS8(context.private_key_pem ?? "", context.signing_algorithm)),
};

async function main(url: URL): Promise<void> {
  const clients = new Map<string, OwnClient>();
  let authorization: string | undefined;
  /** What was asked for so far: a token for more still has to do for what worked before. */
  let scope: readonly string[] = [];
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await useTools(url, authorization);
    } catch (error) {
      if (!(error instanceof Fault) || attempt === ATTEMPTS) throw error;
      const { challenge, credentialRefused } = error;
      if (!credentialRefused && challenge?.error !== "insufficient_scope") throw error;
      const found = await discover(ports.fetch, { tool: url, hint: challenge?.resourceMetadata });
      const asked = challenge?.scope === undefined ? (found.resourceScopes ?? []) : scopesIn(challenge.scope);
      scope = [...new Set([...scope, ...asked])];
      const { server } = found;
      const client = clients.get(server.issuer) ?? (await ownClient(ports.fetch, server, SELF, registered(server)));
      clients.set(server.issuer, client);
      authorization = `Bearer ${isMachine(server) ? await machine(found, client, scope) : await person(found, client, scope)}`;
    }
  }
}

function isMachine({ grant_types_supported: grants }: AuthorizationServer): boolean {
  return grants?.length === 1 && grants[0] === "client_credentials";
}

function registered(server: AuthorizationServer): Parameters<typeof ownClient>[3] {
  const { client_id: id, client_secret: secret, private_key_pem: pem } = context;
  if (id === undefined) return undefined;
  return secret === undefined ? { id, signs: isMachine(server) && pem !== undefined } : { id, secret };
}

async function machine({ server, resource }: Found, client: OwnClient, scope: readonly string[]): Promise<string> {
  const form = { grant_type: "client_credentials", resource, scope: scope.length === 0 ? undefined : scope.join(" ") };
  return (await requestTokens(ports, server, client, form)).accessToken;
}

async function person({ server, resource }: Found, client: OwnClient, scope: readonly string[]): Promise<string> {
  const [state, verifier] = [randomBytes(16).toString("base64url"), randomBytes(32).toString("base64url")];
  const redirect = { redirectUri: REDIRECT, state, verifier, resource };
  const url = authorizationUrl({ server, clientId: client.id, ...redirect, scope: withOffline(server, scope) });
  // The browser's part: the suite's server allows at once.
  const answer = await globalThis.fetch(url, { redirect: "manual" });
  const location = URL.parse(answer.headers.get("location") ?? "", url.href);
  if (location === null) throw new Error(`the authorization endpoint answered ${answer.status} without a redirect`);
  const code = checkedCode(server, location.searchParams, state);
  const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT, code_verifier: verifier, resource };
  return (await requestTokens(ports, server, client, form)).accessToken;
}

async function useTools(url: URL, authorization: string | undefined): Promise<void> {
  const equipment = { headers: authorization === undefined ? {} : { authorization }, environment: {} };
  const connection = createConnection({
    key: { tool: "suite", tenant: "acme", environment: "dev", workflow: "conformance" },
    target: { url },
    equipment,
    log: () => undefined,
  });
  try {
    const { tools } = await connection.listing();
    for (const { name } of tools) {
      const io = { signal: AbortSignal.timeout(10_000), capabilities: {}, progress: () => undefined, log: () => undefined, ask: refuse };
      await connection.invoke(
        { tool: "suite", kind: "tool", name: String(name) },
        {},
        { timeoutMs: 10_000, maxBytes: 1_000_000, equipment, io },
      );
    }
  } finally {
    await connection.close();
  }
}

async function refuse(): Promise<never> {
  throw new Error("nobody answers here");
}

try {
  await main(new URL(process.argv[2] ?? ""));
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}
