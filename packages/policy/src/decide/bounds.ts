import type { Ceiling } from "../rules/rule.ts";
import type { RuleRef } from "../types.ts";
import type { No } from "./answer.ts";
import { place } from "./answer.ts";
import type { Truth } from "./asked.ts";
import { both } from "./asked.ts";
import { withinScopes } from "./bearing.ts";
import { BUILTIN } from "./builtin-rules.ts";
import { isClosed, outsideHours } from "./closed.ts";
import type { AskedDeny } from "./place.ts";
import type { Judged, Situation } from "./situation.ts";
import { truthOf } from "./situation.ts";

/** Refusals that need no condition: unconditional denies, ceilings, session scope, and having no grant at all. */
export function outsideStaticBounds(situation: Situation): No | undefined {
  const { action, request, session, written } = situation;
  const denies = situation.place.denies.filter(
    ({ rule }) => rule.when === undefined && rule.rows === undefined && (rule.field === undefined || written.includes(rule.field)),
  );
  if (denies.length > 0)
    return denied(
      situation,
      denies.map(({ rule }) => rule.ref),
    );
  const crossed = situation.place.ceilings.filter(({ rule }) => !insideCeiling(rule, situation));
  if (crossed.length > 0)
    return outsideCeiling(
      situation,
      crossed.map(({ rule }) => rule.ref),
    );
  if (!withinScopes(session.scope, action, written)) {
    return {
      code: "outside_session_scope",
      message: `this session was opened for ${request.caller.scope.length === 0 ? "nothing" : request.caller.scope.join(", ")}, which does not include \`${action.scope}\`; open a session that does`,
      rules: [BUILTIN.sessionScope],
      next: [{ kind: "reauthenticate", scope: action.scope }],
    };
  }
  return situation.place.grants.length === 0 ? noGrant(situation, []) : undefined;
}

/** Whether the ceiling's scopes and effects cover the call; its `when` is asked later. */
export function insideCeiling(ceiling: Ceiling, { action, written }: Situation): boolean {
  const inScope = ceiling.scopes === undefined || withinScopes(ceiling.scopes, action, written);
  return inScope && (ceiling.effects === undefined || ceiling.effects.has(action.effect));
}

function outsideCeiling({ action, agent }: Situation, rules: readonly RuleRef[]): No {
  const where = rules.map((rule) => place(rule)).join(", ");
  return {
    code: "outside_ceiling",
    message: `\`${action.scope}\` (${action.effect}) is outside what this agent may ever do (${where}); only its owner can change that`,
    rules,
    next: [{ kind: "ask_owner", owner: agent.owner, text: `\`${action.scope}\` is outside the ceiling at ${where}` }],
  };
}

/** Refusals by denies and by conditions of ceilings. A rule of either kind that fails refuses as well. */
export function bounded(judged: Judged): No | undefined {
  const denies = judged.place.denies.map((deny) => ({ ref: deny.rule.ref, truth: denyTruth(judged, deny) }));
  const ceilings = judged.place.ceilings.map(({ rule, when }) => ({ ref: rule.ref, truth: truthOf(judged, when) }));
  const matched = denies.filter((deny) => deny.truth === "true");
  const failed = [...denies, ...ceilings].filter((rule) => rule.truth === "error").map((rule) => rule.ref);
  if (matched.length > 0) return denied(judged, [...matched.map((deny) => deny.ref), ...failed]);
  if (failed.length > 0) return ruleError(judged, failed);
  const crossed = ceilings.filter((ceiling) => ceiling.truth === "false").map((ceiling) => ceiling.ref);
  if (crossed.length > 0) return outsideCeiling(judged, crossed);
  const closed = judged.place.ceilings.map(({ rule }) => rule).filter((rule) => isClosed(rule, judged));
  return closed.length > 0 ? outsideHours(judged, closed, "all") : undefined;
}

export function denyTruth(judged: Judged, { rule, when, rows }: AskedDeny): Truth {
  if (rule.field !== undefined && !judged.written.includes(rule.field)) return "false";
  return both(truthOf(judged, when), () => truthOf(judged, rows));
}

function denied({ action, agent }: Situation, rules: readonly RuleRef[]): No {
  const [first] = rules;
  const because = first === undefined ? "" : ` by ${place(first)}: ${first.reason}`;
  return {
    code: "denied_by_rule",
    message: `\`${action.scope}\` is denied${because}; no grant can override this`,
    rules,
    next: [{ kind: "ask_owner", owner: agent.owner, text: `\`${action.scope}\` is denied${because}` }],
  };
}

/** A deny, gate or ceiling that could not be evaluated refuses, since skipping it would permit. */
export function ruleError(judged: Judged, rules: readonly RuleRef[]): No {
  const where = rules.map((rule) => place(rule)).join(", ");
  const why = judged.recordState === "missing" ? "the record it speaks of could not be loaded" : "its condition fails for this call";
  return {
    code: "rule_error",
    message: `the rule at ${where} could not be evaluated (${why}), so the call is refused; check the arguments or ask the owner to correct the rule`,
    rules: [...rules, BUILTIN.failClosed],
    next: [{ kind: "ask_owner", owner: judged.agent.owner, text: `correct the rule at ${where}` }],
  };
}

/** Nothing permits the call; `almost` are grants for the action whose condition does not hold. */
export function noGrant({ action, agent }: Situation, almost: readonly RuleRef[]): No {
  const [what, otherwise] =
    almost.length === 0
      ? [`no role of this agent grants \`${action.scope}\``, "do without"]
      : [
          `the grants for \`${action.scope}\` do not apply to this call (${almost.map((rule) => place(rule)).join(", ")})`,
          "change the call",
        ];
  return {
    code: "no_grant",
    message: `${what}; ${otherwise} or ask the agent's owner`,
    elevating: `${what}; ${otherwise} or ask for an elevation`,
    rules: [...almost, BUILTIN.denyByDefault],
    next: [{ kind: "ask_owner", owner: agent.owner, text: `\`${action.scope}\` is not granted to \`${agent.workflow}/${agent.agent}\`` }],
  };
}
