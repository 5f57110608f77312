import { peopleUrl } from "../rest/relying-party.ts";
import { TASK_TYPE } from "./grants/asked-rights.ts";
import { AGENT_GRANTS } from "./agent-token.ts";
import type { TokenRealm } from "./access-token.ts";

/** Authorization server metadata (RFC 8414 section 2), with what MCP clients look for (RFC 9207, RFC 9396, RFC 9449, client id metadata documents). */
export function serverMetadata({ issuer }: TokenRealm): Readonly<Record<string, unknown>> {
  return {
    issuer,
    // Where people are signed in; on a loopback address that is another name than programs use.
    authorization_endpoint: `${peopleUrl(issuer)}/oauth/auth`,
    token_endpoint: `${issuer}/oauth/token`,
    registration_endpoint: `${issuer}/oauth/register`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code", "refresh_token", ...AGENT_GRANTS],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: ["ES256"],
    introspection_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    introspection_endpoint_auth_signing_alg_values_supported: ["ES256"],
    revocation_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    revocation_endpoint_auth_signing_alg_values_supported: ["ES256"],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
    authorization_details_types_supported: [TASK_TYPE],
    dpop_signing_alg_values_supported: ["ES256"],
    tls_client_certificate_bound_access_tokens: true,
  };
}

/** The same for clients that look for OpenID Connect Discovery only. There are no ID tokens here; the two members are required of every such document. */
export function discoveryMetadata(realm: TokenRealm): Readonly<Record<string, unknown>> {
  return { ...serverMetadata(realm), subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["ES256"] };
}

/**
 * Protected resource metadata (RFC 9728 section 2). `scopes_supported` is left out: it would show the catalog to strangers, and a client
 * that needs more is told the scope when it is refused (403 `insufficient_scope`).
 */
export function resourceMetadata({ issuer, audience }: TokenRealm): Readonly<Record<string, unknown>> {
  return {
    resource: audience,
    authorization_servers: [issuer],
    bearer_methods_supported: ["header"],
    resource_name: "Bailiwick",
    authorization_details_types_supported: [TASK_TYPE],
    dpop_signing_alg_values_supported: ["ES256"],
    tls_client_certificate_bound_access_tokens: true,
  };
}

/** Where the protected resource metadata of `/mcp` lies (RFC 9728 section 3.1). */
export function resourceMetadataUrl(issuer: string): string {
  return `${issuer}/.well-known/oauth-protected-resource/mcp`;
}
