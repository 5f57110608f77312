import { createHash } from "node:crypto";
import type { AuthorizationServer } from "./metadata.ts";
import { unavailable } from "./unavailable.ts";

/** One authorization request (RFC 6749 section 4.1.1, RFC 7636, RFC 8707). */
export interface AuthorizationRequest {
  readonly server: AuthorizationServer;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly verifier: string;
  readonly resource: string | undefined;
  readonly scope: readonly string[];
}

/** The right to come back without the person, where that is a scope (OpenID Connect Core 1.0, section 11). */
export const OFFLINE = "offline_access";

/**
 * Where the person's browser is sent. @throws Fault `credential_unavailable` when the server does not say that it checks PKCE with S256,
 * as the MCP authorization specification demands, or when its address is none for a browser.
 */
export function authorizationUrl({ server, clientId, redirectUri, state, verifier, resource, scope }: AuthorizationRequest): URL {
  if (server.code_challenge_methods_supported?.includes("S256") !== true)
    throw unavailable("the tool's authorization server does not offer PKCE with S256, so a code of it could be stolen; ask its operator");
  const url = URL.parse(server.authorization_endpoint ?? "");
  // `javascript:` and the like would run on whatever page sends the browser there.
  if (url === null || !(url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname))))
    throw unavailable("the tool's authorization server names no `https:` address for people");
  const parameters: Readonly<Record<string, string | undefined>> = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    resource,
    scope: scope.length === 0 ? undefined : scope.join(" "),
    // OpenID Connect Core 1.0, section 11: without it the scope is ignored.
    prompt: scope.includes(OFFLINE) ? "consent" : undefined,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/u;

/**
 * The code of an answer. RFC 9207 section 2.4: the issuer is compared before anything else is believed, so that a code of one server is
 * not given to another (mix-up). @throws Fault `credential_unavailable`.
 */
export function checkedCode(server: AuthorizationServer, answer: URLSearchParams, state: string): string {
  for (const name of ["iss", "state", "code", "error"])
    if (answer.getAll(name).length > 1) throw unavailable(`the answer has several \`${name}\``);
  const iss = answer.get("iss");
  if (iss === null && server.authorization_response_iss_parameter_supported === true)
    throw unavailable("the answer names no issuer, though the server says that it does");
  if (iss !== null && iss !== server.issuer) throw unavailable("the answer is of another issuer than was asked");
  if (answer.get("state") !== state) throw unavailable("the answer is to another request");
  const code = answer.get("code");
  if (code !== null) return code;
  const error = answer.get("error") ?? "";
  throw unavailable(`the authorization server refused (\`${/^[a-z_]{1,40}$/u.test(error) ? error : "no code"}\`)`);
}
