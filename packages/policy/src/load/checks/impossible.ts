import { allOf } from "../../cedar/expression.ts";
import type { Expr } from "../../cedar/expression.ts";
import type { Condition, RuleBook } from "../../rules/rule.ts";
import type { Span } from "../../types.ts";
import { reportError, reportWarning } from "../findings.ts";
import type { Verdicts } from "../validate-conditions.ts";
import type { ConditionUse, World } from "../world.ts";
import { dependsOnAction } from "./depends.ts";
import type { Holders } from "./holders.ts";
import { actionKnown, firstIfAll, isNever, sayFalse } from "./holders.ts";
import { alternativesOf, conjunctsOf, isImpossible, quote, sayConflict } from "./parts.ts";

/**
 * Reports conditions that can be true for no call: by Cedar's types (`verdicts`), by what their parts demand of one value, for each of
 * their actions, or `when` and `rows` of one rule together. A contradiction inside one rule is an error; one between a rule and what
 * surrounds it is a warning (see unreachable.ts), since the surroundings change without the rule.
 */
export function checkImpossible(world: World, book: RuleBook, verdicts: Verdicts): void {
  const settled = new Set(verdicts.wrong);
  for (const use of world.uses) {
    const { id, at } = use.condition;
    if (settled.has(id)) continue;
    const conflict = conflictOf(use);
    if (conflict === undefined && !verdicts.impossible.has(id)) {
      warnImpossibleParts(world, use.condition);
      continue;
    }
    settled.add(id);
    reportImpossible(world, at, conflict === undefined ? "the condition is false for every possible call" : conflict);
  }
  for (const { when, rows } of [...book.grants, ...book.denies]) {
    if (when === undefined || rows === undefined || settled.has(when.id) || settled.has(rows.id)) continue;
    const parts = [...conjunctsOf(when.expr), ...conjunctsOf(rows.expr)];
    if (isImpossible(parts))
      reportImpossible(world, rows.at, `\`when\` and \`rows\` of this rule contradict each other: ${sayConflict(parts)}`);
  }
}

/** Reports ceilings whose condition the agent's own attributes can never meet: it could do nothing. Returns whether there are any. */
export function checkCeilings(world: World, holders: Holders, { agentCeilings }: RuleBook): boolean {
  let found = false;
  const ofFile = Map.groupBy(holders.agents, (agent) => agentCeilings.get(agent.name));
  for (const [ceiling, agents] of ofFile) {
    if (ceiling?.when === undefined) continue;
    const parts = conjunctsOf(ceiling.when.expr);
    const first = firstIfAll(holders.pairs(agents, world.actions), ({ agent, action }) => isNever(parts, holders.known(agent, action)));
    if (first === undefined) continue;
    found = true;
    reportImpossible(
      world,
      ceiling.when.at,
      `with the agent's own attributes the condition can never be true: ${sayFalse(parts, holders.known(first.agent, first.action))}`,
    );
  }
  return found;
}

function conflictOf({ condition, actions }: ConditionUse): string | undefined {
  if (condition.form === "policy" && actions.length === 0) return "the policy covers no action";
  const parts = conjunctsOf(condition.expr);
  if (isImpossible(parts)) return `the condition can never be true: ${sayConflict(parts)}`;
  if (actions.length === 0 || !dependsOnAction(condition.expr)) return undefined;
  const possible = actions.some((action) => !isNever(parts, actionKnown(action)));
  return possible ? undefined : "the condition can be true for none of the actions that the rule covers";
}

function reportImpossible(world: World, at: Span, what: string): void {
  reportError(world.report, {
    code: "impossible-condition",
    at,
    what,
    why: "a rule that can never apply looks like a right or a protection and is none",
    write: "a condition that some call of these actions can meet, or remove the rule",
  });
}

function warnImpossibleParts(world: World, { expr, at }: Condition): void {
  for (const { part, given } of impossibleParts(conjunctsOf(expr), [])) {
    reportWarning(world.report, {
      code: "impossible-part",
      at,
      what: `the alternative ${quote(part)} can never be true: ${sayConflict([...given, ...conjunctsOf(part)])}`,
      why: "the rule reads as if it covered this case and does not",
      write: "an alternative that some call can meet, or remove it",
    });
  }
}

interface ImpossiblePart {
  readonly part: Expr;
  /** What holds wherever the part is asked. */
  readonly given: readonly Expr[];
}

/** Alternatives that cannot hold together with everything they are joined to by `&&`. */
function impossibleParts(parts: readonly Expr[], outside: readonly Expr[]): readonly ImpossiblePart[] {
  return parts.flatMap((part) => {
    const alternatives = alternativesOf(part);
    if (alternatives.length < 2) return [];
    const given = [...outside, ...parts.filter((other) => other !== part)];
    return alternatives.flatMap((alternative) => {
      const inner = conjunctsOf(alternative);
      return isImpossible([...given, allOf(inner)]) ? [{ part: alternative, given }] : impossibleParts(inner, given);
    });
  });
}
