import { z } from "zod";
import type { OpenCredential } from "../../domain/credential.ts";
import type { Tokens } from "./token-endpoint.ts";
import { unavailable } from "./unavailable.ts";

/** What is sealed as one version of the tool's credential: what a person allowed, and the tokens that came of it last. */
const grantSchema = z.strictObject({
  toolGrant: z.literal(1),
  issuer: z.string(),
  resource: z.string().optional(),
  client: z.strictObject({
    id: z.string(),
    method: z.enum(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
    /** Of a client that registered itself; that of a client in the tool file is a credential of its own. */
    secret: z.string().optional(),
  }),
  scope: z.array(z.string()),
  accessToken: z.string(),
  issuedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  refreshToken: z.string().optional(),
});

export type ToolGrant = z.output<typeof grantSchema>;

/** How every sealed grant begins. */
const MARK = '{"toolGrant":1,';

export function sealedText(grant: Omit<ToolGrant, "toolGrant">): string {
  return JSON.stringify({ toolGrant: 1, ...grant });
}

/** Whether a credential's value is a grant, which must never be presented as it is: it holds the refresh token. */
export function isGrantText(value: string): boolean {
  return value.startsWith(MARK);
}

/** The same opened version is read for many calls. */
const read = new WeakMap<object, ToolGrant>();

/** @throws Fault `credential_unavailable` when the version holds something else. */
export function readGrant(stored: Pick<OpenCredential, "name" | "value">): ToolGrant {
  const before = read.get(stored);
  if (before !== undefined) return before;
  const { name, value } = stored;
  const grant = isGrantText(value) ? grantSchema.safeParse(JSON.parse(value)) : undefined;
  if (grant?.success === true) {
    read.set(stored, grant.data);
    return grant.data;
  }
  throw unavailable(
    `the credential \`${name}\` holds a value from before its tool was \`from: oauth\`; revoke that version and connect the tool`,
  );
}

/** The grant with newer tokens; a server that sends no new refresh token leaves the old one valid (RFC 6749 section 6). */
export function withTokens(grant: ToolGrant, tokens: Tokens): ToolGrant {
  const { accessToken, issuedAt, expiresAt, refreshToken, scope = grant.scope } = tokens;
  return {
    ...grant,
    scope: [...scope],
    accessToken,
    issuedAt: issuedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    ...(refreshToken === undefined ? {} : { refreshToken }),
  };
}

const known = new WeakMap<OpenCredential, OpenCredential>();

/** The version as calls present it: its access token alone. All else that is secret in any version is only kept out of results. */
export function presentable(stored: OpenCredential, grant: ToolGrant): OpenCredential {
  const before = known.get(stored);
  if (before !== undefined) return before;
  const others = stored.alsoSecret.flatMap((value) => (isGrantText(value) ? secretsOf(readGrant({ name: stored.name, value })) : [value]));
  const alsoSecret = [...new Set([...secretsOf(grant), ...others])].filter((value) => value !== grant.accessToken);
  const made: OpenCredential = { ...stored, value: grant.accessToken, alsoSecret };
  known.set(stored, made);
  return made;
}

function secretsOf({ accessToken, refreshToken, client }: ToolGrant): readonly string[] {
  return [accessToken, refreshToken, client.secret].filter((value) => value !== undefined);
}
