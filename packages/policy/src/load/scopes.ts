import { suggestion } from "../files/did-you-mean.ts";
import { groupOf, isGodMode, parseScope } from "../rules/scope.ts";
import type { ScopePattern } from "../rules/scope.ts";
import { declaredNames, typeAt } from "../facts/field-path.ts";
import type { CatalogAction, Span } from "../types.ts";
import { reportError } from "./findings.ts";
import type { World } from "./world.ts";

/** A checked scope pattern and the catalog's actions that it covers. */
export interface CheckedScope {
  readonly pattern: ScopePattern;
  readonly actions: readonly CatalogAction[];
}

/** Undefined, after reporting, when the pattern is everything at once, no scope, or covers nothing. */
export function checkScope(world: World, text: string, at: Span): CheckedScope | undefined {
  if (isGodMode(text)) {
    reportError(world.report, {
      code: "god-mode",
      at,
      what: `\`${text}\` hands out everything at once`,
      why: "nobody can review or bound a right to everything",
      write: `the scopes that are needed: ${suggestion(text, world.scopes, "`tickets:read`")}`,
    });
    return undefined;
  }
  const pattern = parseScope(text);
  if (pattern === undefined) {
    reportError(world.report, {
      code: "invalid-scope",
      at,
      what: `\`${text}\` is not a scope`,
      why: "a scope that matches nothing grants and denies nothing",
      write: "`tool:action`, `tool:*` or `tool:action:field`",
    });
    return undefined;
  }
  const actions = world.actionNames.get(groupOf(pattern)) ?? [];
  if (actions.length === 0) {
    reportError(world.report, {
      code: "unknown-scope",
      at,
      what: `no action of the catalog is \`${text}\``,
      why: "the rule would never apply",
      write: suggestion(`${pattern.tool}:${pattern.action}`, world.scopes, "an `is:` of a file in `tools/`"),
    });
    return undefined;
  }
  if (pattern.field !== undefined) checkWriteField(world, pattern.field, actions, at);
  return { pattern, actions };
}

/** Names that a call of this action may set, as `fields.write` speaks of them. Undefined when any name may occur. */
export function writableNames(action: CatalogAction): readonly string[] | undefined {
  const path = action.resource?.fields;
  if (path === undefined) {
    const [id, ...below] = action.resource?.id.split(".").slice(1) ?? [];
    return declaredNames(action.args).filter((name) => (name !== id || below.length > 0) && !Object.hasOwn(action.force, name));
  }
  const type = typeAt(action.args, path.split(".").slice(1));
  return type === undefined || type === "any" || typeof type !== "object"
    ? undefined
    : declaredNames(Object.fromEntries(Object.entries(type)));
}

export function checkWriteField(world: World, field: string, actions: readonly CatalogAction[], at: Span): void {
  const writers = actions.filter((action) => action.effect !== "read");
  const names = writers.map((action) => writableNames(action));
  if (names.some((list) => list === undefined || list.includes(field))) return;
  reportError(world.report, {
    code: "unknown-field",
    at,
    what: `no covered action writes a field \`${field}\``,
    why: "an allowlist with a misspelt field refuses what it was meant to permit",
    write: suggestion(field, [...new Set(names.flatMap((list) => list ?? []))], "an argument of the writing action"),
  });
}
