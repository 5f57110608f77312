import { z } from "zod";
import { FetchRefused, type GuardedFetch } from "../outbound/guarded-fetch.ts";
import { ask, jsonOf, unavailable } from "./unavailable.ts";

const url = z.string().max(2_048);
const names = z.array(z.string().max(500)).max(1_000).optional();
const serverSchema = z.object({
  issuer: url.optional(),
  authorization_endpoint: url.optional(),
  token_endpoint: url,
  registration_endpoint: url.optional(),
  scopes_supported: names,
  grant_types_supported: names,
  token_endpoint_auth_methods_supported: names,
  code_challenge_methods_supported: names,
  authorization_response_iss_parameter_supported: z.boolean().optional(),
  client_id_metadata_document_supported: z.boolean().optional(),
});
const resourceSchema = z.object({
  resource: url,
  authorization_servers: z.array(url).min(1).max(20),
  scopes_supported: names,
});

/** Metadata of an authorization server (RFC 8414 section 2), with the issuer that it was found under. */
export type AuthorizationServer = z.output<typeof serverSchema> & { readonly issuer: string };

/** Where tokens for a tool's server come from. */
export interface Found {
  readonly server: AuthorizationServer;
  /** What tokens are asked for (RFC 8707). Undefined: the server is of a revision without protected resource metadata. */
  readonly resource: string | undefined;
  readonly resourceScopes: readonly string[] | undefined;
}

export interface Wanted {
  readonly tool: URL;
  /** `resource_metadata` of the server's challenge (RFC 9728 section 5.1). */
  readonly hint?: string | undefined;
  /** The only authorization server that will do. */
  readonly issuer?: string | undefined;
}

/**
 * From a tool's address to its authorization server: RFC 9728 section 3, RFC 8414 section 3, OpenID Connect Discovery, in the order of the
 * MCP authorization specification.
 * @throws Fault `credential_unavailable` when what is found is of another resource or issuer, or is not the issuer that the tool file names.
 */
export async function discover(fetch: GuardedFetch, { tool, hint, issuer }: Wanted): Promise<Found> {
  const path = tool.pathname.replace(/\/$/u, "");
  const wellKnown = `${tool.origin}/.well-known/oauth-protected-resource`;
  const places = hint === undefined ? [...new Set([`${wellKnown}${path}`, wellKnown])] : [hint];
  const metadata = await firstOf(fetch, places, resourceSchema);
  if (metadata === undefined) {
    if (issuer !== undefined && issuer.replace(/\/$/u, "") !== tool.origin)
      return { server: await serverAt(fetch, issuer), resource: tool.href, resourceScopes: undefined };
    return { server: await serverOfOldRevision(fetch, tool.origin), resource: undefined, resourceScopes: undefined };
  }
  if (!covers(metadata.resource, tool))
    throw unavailable(`the metadata of \`${tool.origin}\` is of another resource; a token for that one is not asked for`);
  const [first = ""] = metadata.authorization_servers;
  if (issuer !== undefined && !metadata.authorization_servers.includes(issuer))
    throw unavailable(`\`${tool.origin}\` takes no tokens of \`${issuer}\`; correct \`issuer\` in the tool's file`);
  return { server: await serverAt(fetch, issuer ?? first), resource: metadata.resource, resourceScopes: metadata.scopes_supported };
}

/** A resource may be named by a prefix of its path, never by another origin. */
export function covers(named: string, tool: URL): boolean {
  const resource = URL.parse(named);
  if (resource === null || resource.origin !== tool.origin || resource.hash !== "") return false;
  const prefix = resource.pathname.endsWith("/") ? resource.pathname : `${resource.pathname}/`;
  return `${tool.pathname}/`.startsWith(prefix);
}

/** The metadata of one issuer. RFC 8414 section 3.3: it names exactly the issuer that it was asked for. @throws Fault. */
export async function serverAt(fetch: GuardedFetch, issuer: string): Promise<AuthorizationServer> {
  const found = await firstOf(fetch, placesOf(issuer), serverSchema);
  if (found === undefined) throw unavailable(`\`${hostOf(issuer)}\` offers no authorization server metadata`);
  if (found.issuer !== issuer) throw unavailable(`the metadata at \`${hostOf(issuer)}\` is of another issuer`);
  return { ...found, issuer };
}

/** MCP 2025-03-26: the tool's own origin is its authorization server, with endpoints at known paths when it says nothing of itself. */
async function serverOfOldRevision(fetch: GuardedFetch, origin: string): Promise<AuthorizationServer> {
  const found = await firstOf(fetch, placesOf(origin), serverSchema);
  if (found !== undefined) {
    if (found.issuer !== undefined && URL.parse(found.issuer)?.origin !== origin)
      throw unavailable(`the metadata at \`${hostOf(origin)}\` is of another issuer`);
    return { ...found, issuer: found.issuer ?? origin };
  }
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    code_challenge_methods_supported: ["S256"],
  };
}

function placesOf(issuer: string): readonly string[] {
  const parsed = URL.parse(issuer);
  if (parsed === null || parsed.search !== "" || parsed.hash !== "")
    throw unavailable("the tool's authorization server is named by no URL");
  const { origin, pathname } = parsed;
  const path = pathname.replace(/\/$/u, "");
  return [
    ...new Set([
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ]),
  ];
}

async function firstOf<S extends z.ZodType>(fetch: GuardedFetch, places: readonly string[], schema: S): Promise<z.output<S> | undefined> {
  for (const place of places) {
    const answer = await ask(fetch, place).catch((error: unknown) => {
      // A page of its own instead of a document: it is looked for at the next place.
      if (error instanceof Error && error.cause instanceof FetchRefused && error.cause.code === "not_json") return undefined;
      throw error;
    });
    if (answer?.status !== 200) continue;
    const parsed = schema.safeParse(await jsonOf(answer));
    if (!parsed.success) throw unavailable(`\`${hostOf(place)}\` answered with metadata that is not well-formed`);
    return parsed.data;
  }
  return undefined;
}

function hostOf(address: string): string {
  return URL.parse(address)?.host ?? "?";
}
