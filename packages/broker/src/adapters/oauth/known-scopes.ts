import type { Policy } from "@bailiwick/policy";

const SCOPE_TOKEN = /^[a-z][a-z0-9_-]*:(?:\*|[a-z][a-z0-9_-]*(?::[A-Za-z_$][\w$-]*)?)$/u;

/** Of a scope text the names that the catalog has, once each. What a client asks for beside them (`openid`, `profile`) means nothing here. */
export function knownScopes(policy: Pick<Policy, "tools">, text: string): readonly string[] {
  const known = new Set(policy.tools.flatMap((tool) => tool.actions.flatMap(({ scope }) => [scope, `${scope.split(":", 1)[0]}:*`])));
  const named = new Set(text.split(" ").filter((token) => SCOPE_TOKEN.test(token)));
  return [...named].filter((token) => known.has(token.split(":").slice(0, 2).join(":")));
}
