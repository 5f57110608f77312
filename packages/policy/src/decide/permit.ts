import type { Grant } from "../rules/rule.ts";
import type { Decision } from "../types.ts";
import type { No } from "./answer.ts";
import { place } from "./answer.ts";
import { mergeApprovals } from "./approvals.ts";
import { noGrant, ruleError } from "./bounds.ts";
import { BUILTIN } from "./builtin-rules.ts";
import { isReached } from "./bearing.ts";
import { contentDemands, saysMore } from "./content.ts";
import { asks, leastDemanding, limitDemands, maxRecords } from "./demands.ts";
import type { Permitting } from "./demands.ts";
import { isClosed, outsideHours } from "./closed.ts";
import { amountExceeded, exceeds } from "./exceeded.ts";
import { asksOver } from "./large-results.ts";
import type { AskedGate, AskedGrant } from "./place.ts";
import type { Judged } from "./situation.ts";
import { truthOf } from "./situation.ts";

/** How one grant stands to this call. */
type Standing = "permits" | "when" | "rows" | "fields" | "amount" | "hours";

/** Grants are OR; the least demanding permitting one applies. Gates then add their demands. */
export function permit(judged: Judged): Decision | No {
  const standings = judged.place.grants.map((grant) => ({ grant: grant.rule, asked: grant, standing: standingOf(judged, grant) }));
  const chosen = leastDemanding(
    standings
      .filter((one) => one.standing === "permits")
      .map(({ grant, asked }) => ({ rule: grant, asks: asks(judged, grant.approve, asked.unless) })),
  );
  const [grant] = chosen;
  if (grant === undefined) return unpermitted(judged, standings);
  const gated = applyGates(judged);
  if (!gated.ok) return gated.no;
  return demand(judged, grant, chosen, gated.gates);
}

function standingOf(judged: Judged, { rule, when, rows }: AskedGrant): Standing {
  const called = truthOf(judged, when);
  if (called !== "true" && called !== "maybe") return "when";
  const recorded = truthOf(judged, rows);
  if (recorded !== "true" && recorded !== "maybe") return "rows";
  if (rule.write !== undefined && judged.written.some((field) => rule.write?.includes(field) !== true)) return "fields";
  if (exceeds(judged, rule.limits) !== undefined) return "amount";
  return isClosed(rule, judged) ? "hours" : "permits";
}

function demand(judged: Judged, grant: Permitting, chosen: readonly Permitting[], gates: readonly AskedGate[]): Decision {
  const asking = gates.flatMap(({ rule }) => (rule.approve === undefined ? [] : [{ ...rule, approve: rule.approve }]));
  const { rule } = grant;
  const own = rule.approve !== undefined && grant.asks ? { approve: rule.approve, ref: rule.ref } : undefined;
  const approve = mergeApprovals(own, asking);
  const demanding = [rule, ...gates.map((gate) => gate.rule)];
  const content = contentDemands(demanding);
  const large = asksOver(judged);
  return {
    verdict: approve === undefined ? "allow" : "ask",
    scope: judged.action.scope,
    effect: judged.action.effect,
    rules: [...chosen.map((one) => one.rule.ref), ...gates.filter((gate) => saysMore(gate.rule)).map((gate) => gate.rule.ref)],
    policyVersion: judged.policy.version,
    grants: chosen.map((one) => one.rule.ref.id),
    ...(approve === undefined ? {} : { approve }),
    limits: limitDemands(judged, demanding),
    ...(content === undefined ? {} : { content }),
    maxRecords: maxRecords(demanding),
    ...(large === undefined ? {} : { asksOver: large }),
    amounts: { records: judged.records, cost: judged.cost },
  };
}

type Gated = { readonly ok: true; readonly gates: readonly AskedGate[] } | { readonly ok: false; readonly no: No };

function applyGates(judged: Judged): Gated {
  const truths = judged.place.gates
    .filter((gate) => isReached(gate.rule, judged.action, Math.max(judged.records, judged.expected)))
    .map((gate) => ({ gate, rule: gate.rule, truth: truthOf(judged, gate.when) }));
  const failed = truths.filter(({ truth }) => truth === "error").map(({ rule }) => rule.ref);
  if (failed.length > 0) return { ok: false, no: ruleError(judged, failed) };
  const applying = truths.filter(({ truth }) => truth === "true");
  const rules = applying.map(({ rule }) => rule);
  const closed = rules.filter((rule) => isClosed(rule, judged));
  if (closed.length > 0) return { ok: false, no: outsideHours(judged, closed, "all") };
  const exceeded = rules.filter((rule) => exceeds(judged, rule.limits) !== undefined);
  if (exceeded.length > 0) return { ok: false, no: amountExceeded(judged, exceeded) };
  return { ok: true, gates: applying.map(({ gate }) => gate) };
}

/** The most telling reason wins: a call that would pass with other fields is told so. */
function unpermitted(judged: Judged, standings: readonly { readonly grant: Grant; readonly standing: Standing }[]): No {
  const of = (standing: Standing): readonly Grant[] => standings.filter((one) => one.standing === standing).map((one) => one.grant);
  if (of("fields").length > 0) return fieldNotPermitted(judged, of("fields"));
  if (of("amount").length > 0) return amountExceeded(judged, of("amount"));
  if (of("hours").length > 0) return outsideHours(judged, of("hours"), "one");
  if (of("rows").length > 0) return rowNotPermitted(judged, of("rows"));
  return noGrant(
    judged,
    of("when").map((grant) => grant.ref),
  );
}

function fieldNotPermitted(judged: Judged, grants: readonly Grant[]): No {
  // Grants do not combine within one call, so the widest single allowlist is what the agent can use.
  const widest = grants.toSorted((a, b) => (b.write?.length ?? 0) - (a.write?.length ?? 0) || (a.ref.id < b.ref.id ? -1 : 1))[0];
  const allowed = widest?.write ?? [];
  const refused = judged.written.filter((field) => !allowed.includes(field));
  const what = `\`${judged.action.scope}\` may set ${allowed.map((field) => `\`${field}\``).join(", ") || "no field"} but not ${refused.map((field) => `\`${field}\``).join(", ")} (${grants.map((grant) => place(grant.ref)).join(", ")})`;
  return {
    code: "field_not_permitted",
    message: `${what}; leave that out`,
    elevating: `${what}; leave that out or ask for an elevation`,
    rules: grants.map((grant) => grant.ref),
    next: [{ kind: "narrow", field: judged.action.resource?.fields ?? "args", allowed }],
  };
}

function rowNotPermitted(judged: Judged, grants: readonly Grant[]): No {
  const record = judged.record;
  const which = record === undefined ? "the record, which could not be loaded" : `this ${record.type}`;
  const what = `the grants for \`${judged.action.scope}\` do not cover ${which} (${grants.map((grant) => place(grant.ref)).join(", ")})`;
  return {
    code: "row_not_permitted",
    message: `${what}; name a record they cover`,
    elevating: `${what}; name a record they cover or ask for an elevation`,
    rules: [...grants.map((grant) => grant.ref), BUILTIN.denyByDefault],
    next: [
      {
        kind: "ask_owner",
        owner: judged.agent.owner,
        text: `whether \`${judged.agent.workflow}/${judged.agent.agent}\` should reach this record`,
      },
    ],
  };
}
