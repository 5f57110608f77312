import type { Decision, DecisionRequest, Explanation, Policy, RuleRef } from "../types.ts";
import { readRequest } from "../facts/request-facts.ts";
import { place } from "../decide/answer.ts";
import { isReached } from "../decide/bearing.ts";
import { decide, judgedWith } from "../decide/decide.ts";
import type { Judged } from "../decide/situation.ts";
import { situationOf } from "../decide/situation.ts";
import type { Approve, Condition, Deny, Gate, Grant } from "../rules/rule.ts";
import { changeFor } from "./change.ts";
import type { Change } from "./change.ts";
import { conjunctsOf } from "./conjuncts.ts";
import type { Conjunct } from "./conjuncts.ts";
import { otherWays } from "./other-ways.ts";

type Unmatched = Explanation["unmatched"][number];

/**
 * Says why a decision came out as it did. What would change it is computed from the policy in force:
 * each suggested change of a fact was decided again and did change the verdict.
 */
export function explain(policy: Policy, request: DecisionRequest, decision: Decision): Explanation {
  const { rules } = decision;
  const summary = summarize(decision);
  // What the delegate itself may do changes nothing about a delegator's refusal.
  if (decision.refusal?.code === "outside_delegation" && decision.delegator !== undefined)
    return { ...explain(policy, decision.delegator.request, decision.delegator.decision), summary };
  const judged = judgedOf(policy, request);
  if (judged === undefined) return { summary, rules, unmatched: [], wouldChange: otherWays(policy, request, decision) };
  const looks = lookAt(judged, decision);
  const counterfactuals = looks.flatMap((look) => counterfactual(judged, decision, look));
  const wouldChange = [...new Set([...counterfactuals, ...otherWays(policy, request, decision)])];
  return { summary, rules, unmatched: looks.flatMap((look) => unmatchedOf(look)), wouldChange };
}

function summarize(decision: Decision): string {
  const scope = decision.scope === "" ? "the call" : `\`${decision.scope}\``;
  const under =
    decision.elevations === undefined ? "" : `, with the elevation ${decision.elevations.map((id) => `\`${id}\``).join(" and ")}`;
  const by = `${decision.rules.map((rule) => `${rule.id} (${place(rule)})`).join(", ")}${under}`;
  switch (decision.verdict) {
    case "allow":
      return `${scope} is allowed by ${by}`;
    case "ask":
      return `${scope} waits for a person with the role ${decision.approve?.by.map((role) => `\`${role}\``).join(" or ") ?? ""}, by ${by}`;
    case "deny":
      return `${scope} is refused (${decision.refusal?.code ?? ""}): ${decision.refusal?.message ?? ""}`;
  }
}

function judgedOf(policy: Policy, request: DecisionRequest): Judged | undefined {
  const situation = situationOf(policy, request);
  if ("code" in situation) return undefined;
  const facts = readRequest(situation.session, situation.action, request);
  return facts.ok ? judgedWith(situation, facts) : undefined;
}

/** Gates that the number of records does not keep out. */
function gatesReached({ place: { gates }, action, records }: Judged): readonly Gate[] {
  return gates.map(({ rule }) => rule).filter((rule) => isReached(rule, action, records));
}

/** One rule taken apart. `towards`: what its parts would have to become for a better verdict. */
interface Look {
  readonly ref: RuleRef;
  readonly conjuncts: readonly Conjunct[];
  readonly towards: "true" | "false" | undefined;
  readonly matched: boolean;
}

function lookAt(judged: Judged, decision: Decision): readonly Look[] {
  const determining = new Set([...decision.rules, ...(decision.content ?? []).map(({ rule }) => rule)].map((rule) => rule.id));
  const refused = decision.verdict === "deny";
  const look = (
    rule: Grant | Deny | Gate,
    conditions: readonly (Condition | undefined)[],
    towards: Look["towards"],
    matched: boolean,
  ): readonly Look[] =>
    conditions.some((condition) => condition !== undefined)
      ? [{ ref: rule.ref, conjuncts: conjunctsOf(judged, conditions), towards, matched }]
      : [];
  return [
    ...judged.place.grants.flatMap(({ rule: grant }) =>
      look(grant, [grant.when, grant.rows], refused ? "true" : undefined, decision.grants.includes(grant.ref.id)),
    ),
    ...judged.place.denies.flatMap(({ rule: deny }) =>
      look(deny, [deny.when, deny.rows], determining.has(deny.ref.id) ? "false" : undefined, determining.has(deny.ref.id)),
    ),
    ...gatesReached(judged).flatMap((gate) =>
      look(
        gate,
        [gate.when],
        determining.has(gate.ref.id) && decision.verdict !== "allow" ? "false" : undefined,
        determining.has(gate.ref.id),
      ),
    ),
    ...spared(judged, decision),
    ...judged.place.ceilings.flatMap(({ rule: ceiling }) =>
      ceiling.when === undefined
        ? []
        : [
            {
              ref: ceiling.ref,
              conjuncts: conjunctsOf(judged, [ceiling.when]),
              towards: refused ? ("true" as const) : undefined,
              matched: true,
            },
          ],
    ),
  ];
}

/** Approvals that an `unless` would spare. */
function spared(judged: Judged, decision: Decision): readonly Look[] {
  if (decision.verdict !== "ask") return [];
  const asking: readonly { readonly ref: RuleRef; readonly approve?: Approve | undefined }[] = [
    ...judged.place.grants.map(({ rule }) => rule),
    ...gatesReached(judged),
  ];
  const ids = new Set(decision.approve?.rules.map((rule) => rule.id));
  return asking
    .filter((rule) => ids.has(rule.ref.id) && rule.approve?.unless !== undefined)
    .map((rule) => ({ ref: rule.ref, conjuncts: conjunctsOf(judged, [rule.approve?.unless]), towards: "true", matched: true }));
}

function unmatchedOf({ ref, conjuncts, matched }: Look): readonly Unmatched[] {
  if (matched) return [];
  const [failed] = conjuncts.filter((part) => part.truth === "error");
  const untrue = conjuncts.filter((part) => part.truth === "false");
  if (untrue.length > 0) return [{ rule: ref, because: `not true: ${untrue.map((part) => `\`${part.text}\``).join(", ")}` }];
  if (failed !== undefined) return [{ rule: ref, because: `could not be evaluated: \`${failed.text}\`` }];
  return [];
}

/** The changes that turn this rule, tried on the policy; said only when the verdict gets better. */
function counterfactual(judged: Judged, decision: Decision, { ref, conjuncts, towards }: Look): readonly string[] {
  if (towards === undefined) return [];
  const changes =
    towards === "true"
      ? [conjuncts.filter((part) => part.truth !== "true").map((part) => changeFor(judged.env, part.expression, true))]
      : conjuncts.filter((part) => part.truth === "true").map((part) => [changeFor(judged.env, part.expression, false)]);
  return changes.flatMap((together) => {
    if (together.length === 0 || together.some((change) => change === undefined)) return [];
    const known = together.filter((change): change is Change => change !== undefined);
    return sentence(judged, decision, ref, known);
  });
}

function sentence(judged: Judged, decision: Decision, ref: RuleRef, changes: readonly Change[]): readonly string[] {
  const words = changes.map((change) => change.words).join(" and ");
  const appliers = changes.flatMap((change) => (change.apply === undefined ? [] : [change.apply]));
  if (appliers.length < changes.length) return [`${ref.id} (${place(ref)}) would come out otherwise if ${words}`];
  const changed = appliers.reduce((request, apply) => apply(request), judged.request);
  const verdict = decide(judged.policy, changed).verdict;
  if (verdict === decision.verdict || verdict === "deny") return [];
  return [`would be ${verdict === "allow" ? "allowed" : "held for approval instead of refused"} if ${words} (${place(ref)})`];
}
