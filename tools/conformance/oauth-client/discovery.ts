import { z } from "zod";
import { FetchRefused, type GuardedFetch } from "../../../packages/broker/src/adapters/outbound/guarded-fetch.ts";

const serverSchema = z.looseObject({
  issuer: z.string().optional(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  registration_endpoint: z.string().optional(),
  grant_types_supported: z.array(z.string()).optional(),
  scopes_supported: z.array(z.string()).optional(),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
  code_challenge_methods_supported: z.array(z.string()).optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
  client_id_metadata_document_supported: z.boolean().optional(),
});
const resourceSchema = z.looseObject({
  resource: z.string(),
  authorization_servers: z.array(z.string()).min(1),
  scopes_supported: z.array(z.string()).optional(),
});

/** An authorization server's metadata, with the issuer it was found under. */
export type AuthorizationServer = z.output<typeof serverSchema> & { readonly issuer: string };

/** Where tokens for a resource come from. */
export interface Found {
  readonly server: AuthorizationServer;
  /** Undefined: the server is of a revision without protected resource metadata. */
  readonly resource: string | undefined;
  readonly resourceScopes: readonly string[] | undefined;
}

/** From a resource to its authorization server (RFC 9728 section 3, RFC 8414 section 3). @throws Error when what is found is not of this resource. */
export async function discover(fetch: GuardedFetch, resource: URL, hint: string | undefined): Promise<Found> {
  const path = resource.pathname.replace(/\/$/, "");
  const places =
    hint === undefined
      ? [`${resource.origin}/.well-known/oauth-protected-resource${path}`, `${resource.origin}/.well-known/oauth-protected-resource`]
      : [hint];
  const metadata = await firstOf(fetch, places, resourceSchema);
  if (metadata === undefined)
    return { server: await serverAt(fetch, resource.origin, true), resource: undefined, resourceScopes: undefined };
  if (!covers(metadata.resource, resource)) throw new Error(`the metadata is of another resource: ${metadata.resource}`);
  const [issuer = ""] = metadata.authorization_servers;
  return { server: await serverAt(fetch, issuer, false), resource: metadata.resource, resourceScopes: metadata.scopes_supported };
}

/** A resource may be named by a prefix of its path, never by another origin. */
function covers(named: string, resource: URL): boolean {
  const url = URL.parse(named);
  if (url === null || url.origin !== resource.origin) return false;
  const prefix = url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`;
  return `${resource.pathname}/`.startsWith(prefix);
}

async function serverAt(fetch: GuardedFetch, issuer: string, mayBeMissing: boolean): Promise<AuthorizationServer> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const places = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  const found = await firstOf(fetch, places, serverSchema);
  if (found === undefined && !mayBeMissing) throw new Error(`no authorization server metadata at ${issuer}`);
  if (found === undefined)
    return {
      issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      registration_endpoint: `${origin}/register`,
    };
  // RFC 8414 section 3.3: exactly the issuer it was asked for. Of a server without resource metadata nobody named one.
  if (!mayBeMissing && found.issuer !== issuer)
    throw new Error(`the metadata of ${issuer} is of another issuer: ${found.issuer ?? "none"}`);
  return { ...found, issuer: found.issuer ?? issuer };
}

async function firstOf<S extends z.ZodType>(fetch: GuardedFetch, places: readonly string[], schema: S): Promise<z.output<S> | undefined> {
  for (const place of places) {
    try {
      const answer = await fetch(place);
      if (answer.status === 200) return schema.parse(await answer.json());
    } catch (error) {
      if (!(error instanceof FetchRefused) || error.code !== "not_json") throw error;
    }
  }
  return undefined;
}
