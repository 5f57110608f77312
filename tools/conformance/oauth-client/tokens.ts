import { createHash, randomBytes, randomUUID } from "node:crypto";
import { importPKCS8, SignJWT } from "jose";
import { z } from "zod";
import type { GuardedFetch } from "../../../packages/broker/src/adapters/outbound/guarded-fetch.ts";
import type { AuthorizationServer, Found } from "./discovery.ts";

const REDIRECT = "http://localhost:39123/callback";
/** The suite's own client metadata document; it is never fetched. */
const CLIENT_DOCUMENT = "https://conformance-test.local/client-metadata.json";

/** What the suite tells a client of itself. */
export const contextSchema = z.looseObject({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  private_key_pem: z.string().optional(),
  signing_algorithm: z.string().optional(),
});
export type Context = z.output<typeof contextSchema>;

interface Client {
  readonly id: string;
  readonly secret: string | undefined;
  /** How it proves who it is. */
  readonly method: string;
}

const tokenSchema = z.object({ access_token: z.string(), scope: z.string().optional() });
const registered = z.object({
  client_id: z.string(),
  client_secret: z.string().optional(),
  token_endpoint_auth_method: z.string().optional(),
});

/** Gets tokens as the MCP authorization specification says; remembers what it registered, for each issuer. */
export function tokenSource(fetch: GuardedFetch, context: Context): (found: Found, scope: string | undefined) => Promise<string> {
  const clients = new Map<string, Client>();
  return async ({ server, resource }, scope) => {
    if (isMachine(server)) return clientCredentials(fetch, server, context, resource, scope);
    const client = clients.get(server.issuer) ?? (await clientOf(fetch, server, context));
    clients.set(server.issuer, client);
    return authorizationCode(fetch, server, client, resource, scope);
  };
}

function isMachine({ grant_types_supported: grants }: AuthorizationServer): boolean {
  return grants?.length === 1 && grants[0] === "client_credentials";
}

async function clientOf(fetch: GuardedFetch, server: AuthorizationServer, context: Context): Promise<Client> {
  const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const secretMethod = methods.find((method) => method === "client_secret_basic" || method === "client_secret_post") ?? "none";
  if (context.client_id !== undefined)
    return { id: context.client_id, secret: context.client_secret, method: context.client_secret === undefined ? "none" : secretMethod };
  if (server.client_id_metadata_document_supported === true) return { id: CLIENT_DOCUMENT, secret: undefined, method: "none" };
  if (server.registration_endpoint === undefined) throw new Error("the server registers no clients, and none was given");
  const method = methods.includes("none") ? "none" : secretMethod;
  const answer = await fetch(server.registration_endpoint, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: "conformance driver",
      redirect_uris: [REDIRECT],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: method,
      application_type: "native",
    }),
  });
  const { client_id: id, client_secret: secret, token_endpoint_auth_method: given } = registered.parse(await answer.json());
  return { id, secret, method: given ?? (secret === undefined ? "none" : method === "none" ? secretMethod : method) };
}

async function authorizationCode(
  fetch: GuardedFetch,
  server: AuthorizationServer,
  client: Client,
  resource: string | undefined,
  scope: string | undefined,
): Promise<string> {
  const verifier = randomBytes(32).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const url = new URL(server.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: client.id,
    redirect_uri: REDIRECT,
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...(resource === undefined ? {} : { resource }),
    ...(scope === undefined ? {} : { scope }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  // The browser's part: the suite's server allows at once.
  const answer = await globalThis.fetch(url, { redirect: "manual" });
  const location = URL.parse(answer.headers.get("location") ?? "", url.href);
  if (location === null) throw new Error(`the authorization endpoint answered ${answer.status} without a redirect`);
  const code = checkedCode(server, location.searchParams, state);
  return token(fetch, server, client, {
    grant_type: "authorization_code",
    code,
    redirect_uri: REDIRECT,
    code_verifier: verifier,
    ...(resource === undefined ? {} : { resource }),
  });
}

/** RFC 9207 section 2.4: the issuer is compared before anything else is believed. */
function checkedCode(server: AuthorizationServer, answer: URLSearchParams, state: string): string {
  const iss = answer.get("iss");
  if (iss === null && server.authorization_response_iss_parameter_supported === true)
    throw new Error("the answer names no issuer, though the server says it does");
  if (iss !== null && iss !== server.issuer) throw new Error(`the answer is of another issuer: ${iss}`);
  if (answer.get("state") !== state) throw new Error("the answer is to another request");
  const code = answer.get("code");
  if (code === null) throw new Error(`the authorization was refused: ${answer.get("error") ?? "no code"}`);
  return code;
}

async function clientCredentials(
  fetch: GuardedFetch,
  server: AuthorizationServer,
  context: Context,
  resource: string | undefined,
  scope: string | undefined,
): Promise<string> {
  const { client_id: id = "", client_secret: secret, private_key_pem: pem, signing_algorithm: alg = "ES256" } = context;
  const form = {
    grant_type: "client_credentials",
    ...(resource === undefined ? {} : { resource }),
    ...(scope === undefined ? {} : { scope }),
  };
  if (pem === undefined) return token(fetch, server, { id, secret, method: "client_secret_basic" }, form);
  const assertion = await new SignJWT({ iss: id, sub: id, aud: server.issuer, jti: randomUUID() })
    .setProtectedHeader({ alg })
    .setIssuedAt()
    .setExpirationTime("60s")
    .sign(await importPKCS8(pem, alg));
  const proof = { client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion: assertion };
  return token(fetch, server, { id, secret: undefined, method: "private_key_jwt" }, { ...form, ...proof });
}

async function token(
  fetch: GuardedFetch,
  server: AuthorizationServer,
  client: Client,
  form: Readonly<Record<string, string>>,
): Promise<string> {
  const { id, secret = "", method } = client;
  const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64");
  const body = new URLSearchParams({
    ...form,
    ...(method === "none" ? { client_id: id } : {}),
    ...(method === "client_secret_post" ? { client_id: id, client_secret: secret } : {}),
  });
  const answer = await fetch(server.token_endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      ...(method === "client_secret_basic" ? { authorization: `Basic ${basic}` } : {}),
    },
    body: body.toString(),
  });
  if (answer.status !== 200) throw new Error(`the token endpoint answered ${answer.status}`);
  return tokenSchema.parse(await answer.json()).access_token;
}
