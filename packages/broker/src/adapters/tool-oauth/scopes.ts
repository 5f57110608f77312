import type { AuthorizationServer } from "./metadata.ts";
import { OFFLINE } from "./authorization.ts";
import { unavailable } from "./unavailable.ts";

/** Scopes as a server writes them, as far as they are well-formed (RFC 6749 section 3.3). */
export function scopesIn(text: string | undefined): readonly string[] {
  return (text ?? "").split(" ").filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/u.test(scope));
}

/**
 * What is asked for: what the server's challenge names, else all that the tool file allows; with what was granted before and is wanted more.
 * @throws Fault `credential_unavailable` when that is beyond the tool file. The scopes are not named: they are the server's words.
 */
export function askedScope(
  tool: string,
  allowed: readonly string[],
  challenged: readonly string[] | undefined,
  more: readonly string[] = [],
): readonly string[] {
  const asked = [...new Set([...(challenged ?? allowed), ...more])].filter((scope) => scope !== OFFLINE);
  if (asked.every((scope) => allowed.includes(scope))) return asked;
  throw unavailable(
    `the server of \`${tool}\` asks for a scope that the tool's file does not allow; whoever keeps the policy decides whether to add it to \`oauth.scope\``,
  );
}

/** With the right to come back, where the server has a scope for it. */
export function withOffline({ scopes_supported: known }: AuthorizationServer, scope: readonly string[]): readonly string[] {
  return known?.includes(OFFLINE) === true ? [...scope, OFFLINE] : scope;
}

/** A server may grant less than was asked for, never more than the tool file allows. @throws Fault `credential_unavailable`. */
export function requireWithin(tool: string, allowed: readonly string[], granted: readonly string[] | undefined): void {
  if (granted === undefined || granted.every((scope) => scope === OFFLINE || allowed.includes(scope))) return;
  throw unavailable(`the authorization server of \`${tool}\` granted more than the tool's file allows; the token is not used`);
}
