import { effect } from "../../files/schemas.ts";
import type { Ceiling, Grant, RuleBook } from "../../rules/rule.ts";
import { reportWarning } from "../findings.ts";
import type { World } from "../world.ts";

/*
 * Everything at once without the names that stand for it. Where all scopes of the catalog begin with one word, `word:*` says nothing of
 * the kind, so it takes two. Warnings, not errors as the names are: such a list was written word by word, and the next word is not in it.
 */

/** Warns of agents' ceilings that leave out no tool, no action and no effect. */
export function warnWideCeilings(world: World, { agentCeilings }: RuleBook): void {
  const words = wordsOf(world);
  for (const ceiling of new Set(agentCeilings.values())) {
    if (words.size < 2 || !boundsNothing(words, ceiling)) continue;
    reportWarning(world.report, {
      code: "wide-ceiling",
      at: ceiling.ref.at,
      what: "this ceiling lets through every action of the catalog, with every effect",
      why: "a ceiling is what remains when a role grants too much; this one keeps nothing out",
      write: "the scopes the agent works with, and `effects` without those it never needs",
    });
  }
}

/** `tickets` of `tickets:read`. */
function wordsOf({ scopes }: World): ReadonlySet<string> {
  return new Set(scopes.map((scope) => wordOf(scope)));
}

function wordOf(scope: string): string {
  return scope.split(":")[0] ?? scope;
}

function boundsNothing(words: ReadonlySet<string>, { scopes, effects, when }: Ceiling): boolean {
  const isOpen = effects === undefined || effect.options.every((each) => effects.has(each));
  return (
    isOpen && when === undefined && [...words].every((word) => scopes?.some((one) => one.tool === word && one.action === "*") !== false)
  );
}

/** Warns of `permit`s in .cedar files that list every scope of the catalog. */
export function warnWidePermits(world: World, grants: readonly Grant[]): void {
  if (wordsOf(world).size < 2) return;
  for (const { ref, role, on } of grants) {
    const names = new Set(on);
    if (role !== undefined || names.has("*") || !world.scopes.every((scope) => names.has(scope) || names.has(`${wordOf(scope)}:*`)))
      continue;
    reportWarning(world.report, {
      code: "wide-grant",
      at: ref.at,
      what: `\`permit\` \`${ref.id}\` lists every action of the catalog`,
      why: "nobody can review or bound a right to everything",
      write: "one policy for each kind of work, with the actions it needs",
    });
  }
}
