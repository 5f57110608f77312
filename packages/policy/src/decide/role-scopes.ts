import { namesOf } from "../engine/cedar-schema.ts";
import { compiledOf } from "../load/compiled.ts";
import type { Policy } from "../types.ts";

/**
 * Scopes of the catalog that some grant of a role, or of one it extends, covers, each once. What its conditions, rows and fields allow is said when
 * a call is decided. Empty for a role that does not exist.
 */
export function roleScopes(policy: Policy, role: string): readonly string[] {
  const { book, grants } = compiledOf(policy);
  const roles = book.closure.get(role) ?? new Set<string>();
  const held = policy.tools
    .flatMap(({ actions }) => actions)
    .filter((action) => grants.find(namesOf(action)).some((grant) => grant.role !== undefined && roles.has(grant.role)));
  return [...new Set(held.map(({ scope }) => scope))];
}
