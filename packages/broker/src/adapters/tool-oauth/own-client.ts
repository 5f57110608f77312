import { z } from "zod";
import type { GuardedFetch } from "../outbound/guarded-fetch.ts";
import type { AuthorizationServer } from "./metadata.ts";
import type { OwnClient } from "./token-endpoint.ts";
import { ask, jsonOf, unavailable } from "./unavailable.ts";

/** What the broker can be at an authorization server. */
export interface Self {
  readonly redirectUri: string;
  /** Our client id metadata documents, by how the client proves itself. Absent: no server could fetch them. */
  readonly documents?: { readonly signing: string; readonly open: string } | undefined;
}

/** A client that the tool file names, with its secret opened. */
export interface Registered {
  readonly id: string;
  readonly secret?: string | undefined;
  /** The broker signs with its own key. */
  readonly signs?: boolean | undefined;
}

const registrationSchema = z.object({
  client_id: z.string().regex(/^[\x21-\x7e]{1,500}$/u),
  client_secret: z
    .string()
    .regex(/^[\x21-\x7e]{1,1000}$/u)
    .optional(),
  token_endpoint_auth_method: z.string().optional(),
});

/**
 * The broker's identity at a server: the registered one, else a client id metadata document, else dynamic registration (RFC 7591).
 * @throws Fault `credential_unavailable` when the server knows no way in.
 */
export async function ownClient(
  fetch: GuardedFetch,
  server: AuthorizationServer,
  self: Self,
  registered: Registered | undefined,
): Promise<OwnClient> {
  if (registered !== undefined) return { id: registered.id, secret: registered.secret, method: methodOf(server, registered) };
  const { documents } = self;
  if (server.client_id_metadata_document_supported === true && documents !== undefined)
    return server.token_endpoint_auth_methods_supported?.includes("private_key_jwt") === true
      ? { id: documents.signing, method: "private_key_jwt" }
      : { id: documents.open, method: "none" };
  return register(fetch, server, self);
}

function methodOf(server: AuthorizationServer, { secret, signs }: Registered): OwnClient["method"] {
  if (secret !== undefined) return secretMethod(server);
  const methods = server.token_endpoint_auth_methods_supported ?? ["none"];
  return signs === true || (!methods.includes("none") && methods.includes("private_key_jwt")) ? "private_key_jwt" : "none";
}

/** RFC 8414 section 2: a server that names no methods takes `client_secret_basic`. */
function secretMethod({ token_endpoint_auth_methods_supported: methods = ["client_secret_basic"] }: AuthorizationServer): SecretMethod {
  const taken = SECRET_METHODS.find((method) => methods.includes(method));
  if (taken === undefined) throw unavailable("the tool's authorization server takes no client secrets");
  return taken;
}

type SecretMethod = "client_secret_basic" | "client_secret_post";
const SECRET_METHODS: readonly SecretMethod[] = ["client_secret_basic", "client_secret_post"];

async function register(fetch: GuardedFetch, server: AuthorizationServer, { redirectUri }: Self): Promise<OwnClient> {
  if (server.registration_endpoint === undefined)
    throw unavailable(
      "the tool's authorization server registers no clients; register one there and name it with `client` in the tool's file",
    );
  const methods = server.token_endpoint_auth_methods_supported;
  const asked = methods?.includes("none") === true ? "none" : secretMethod(server);
  const loopback = new URL(redirectUri).protocol === "http:";
  const answer = await ask(fetch, server.registration_endpoint, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: "Bailiwick",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: asked,
      application_type: loopback ? "native" : "web",
    }),
  });
  const parsed = registrationSchema.safeParse(await jsonOf(answer));
  if (!answer.ok || !parsed.success)
    throw unavailable(`the tool's authorization server did not register the broker (status ${answer.status})`);
  const { client_id: id, client_secret: secret, token_endpoint_auth_method: given = asked } = parsed.data;
  if (secret === undefined || given === "none") return { id, method: "none" };
  return { id, secret, method: SECRET_METHODS.find((method) => method === given) ?? secretMethod(server) };
}
