import { errors } from "oidc-provider";
import { z } from "zod";

/** A client has a handful of redirect URIs. */
const MAX_REDIRECT_URIS = 10;
const MAX_URI_CHARS = 2_048;
const MAX_NAME_CHARS = 100;
const LOOPBACK: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];

const metadataSchema = z.object({
  client_name: z.string().max(MAX_NAME_CHARS).optional(),
  redirect_uris: z.array(z.string().max(MAX_URI_CHARS)).min(1).max(MAX_REDIRECT_URIS),
  grant_types: z.array(z.enum(["authorization_code", "refresh_token"])),
  response_types: z.tuple([z.literal("code")]),
  token_endpoint_auth_method: z.enum(["none", "private_key_jwt"]),
  dpop_bound_access_tokens: z.boolean().optional(),
});

/**
 * What a client of people may say of itself, whether it registered (RFC 7591) or is its metadata document: codes only, and redirects to
 * `https:` or to a program on the person's own machine.
 * @throws InvalidClientMetadata of oidc-provider.
 */
export function checkClientMetadata(metadata: unknown): void {
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new errors.InvalidClientMetadata(
      `${issue?.path.join(".") ?? "metadata"} is missing or not allowed here: ${issue?.message ?? "unreadable"}`,
    );
  }
  const bad = parsed.data.redirect_uris.find((uri) => !isRedirect(uri));
  if (bad !== undefined)
    throw new errors.InvalidClientMetadata(
      "redirect_uris are `https:` addresses, or `http:` ones on this machine (127.0.0.1, [::1], localhost)",
    );
}

/**
 * Takes `scope` out of what a client says of itself. Stock clients write the scopes of OpenID Connect there, or ours; what a client gets is asked
 * for with each authorization and allowed by a person, so the member means nothing here (RFC 7591 section 2 lets a server replace it).
 */
export function dropScope(metadata: unknown): void {
  if (typeof metadata === "object" && metadata !== null && "scope" in metadata) delete metadata.scope;
}

/** User names in a URI make `https://good.example@evil.example` look like the good one. */
function isRedirect(text: string): boolean {
  const uri = URL.parse(text);
  if (uri === null || uri.username !== "" || uri.password !== "" || uri.hash !== "" || /[\s\\*]/u.test(text)) return false;
  // The host goes into the consent page's security policy, where `;` would begin another directive.
  if (!/^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])$/u.test(uri.hostname)) return false;
  return uri.protocol === "https:" || (uri.protocol === "http:" && LOOPBACK.includes(uri.hostname));
}
