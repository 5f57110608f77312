import type { Gate, Grant } from "../rules/rule.ts";
import type { Decision, RuleRef } from "../types.ts";
import type { No } from "./answer.ts";
import { place } from "./answer.ts";
import { mergeApprovals } from "./approvals.ts";
import { noGrant, ruleError } from "./bounds.ts";
import { BUILTIN } from "./builtin-rules.ts";
import { isReached } from "./bearing.ts";
import { asks, leastDemanding, limitDemands, maxRecords } from "./demands.ts";
import type { Permitting } from "./demands.ts";
import { opensInMs, withinHours } from "./hours.ts";
import type { AskedGate, AskedGrant } from "./place.ts";
import type { Judged } from "./situation.ts";
import { truthOf } from "./situation.ts";

/** How one grant stands to this call. */
type Standing = "permits" | "when" | "rows" | "fields" | "records";

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
  return rule.limits.records !== undefined && judged.records > rule.limits.records ? "records" : "permits";
}

function demand(judged: Judged, grant: Permitting, chosen: readonly Permitting[], gates: readonly AskedGate[]): Decision {
  const asking = gates.flatMap(({ rule }) => (rule.approve === undefined ? [] : [{ ...rule, approve: rule.approve }]));
  const { rule } = grant;
  const own = rule.approve !== undefined && grant.asks ? { approve: rule.approve, ref: rule.ref } : undefined;
  const approve = mergeApprovals(own, asking);
  const demanding = [rule, ...gates.map((gate) => gate.rule)];
  return {
    verdict: approve === undefined ? "allow" : "ask",
    scope: judged.action.scope,
    effect: judged.action.effect,
    rules: [...chosen.map((one) => one.rule.ref), ...gates.map((gate) => gate.rule.ref)],
    policyVersion: judged.policy.version,
    grants: chosen.map((one) => one.rule.ref.id),
    ...(approve === undefined ? {} : { approve }),
    limits: limitDemands(judged, demanding),
    maxRecords: maxRecords(demanding),
    amounts: { records: judged.records, cost: judged.cost },
  };
}

type Gated = { readonly ok: true; readonly gates: readonly AskedGate[] } | { readonly ok: false; readonly no: No };

function applyGates(judged: Judged): Gated {
  const truths = judged.place.gates
    .filter((gate) => isReached(gate.rule, judged.action, judged.records))
    .map((gate) => ({ gate, rule: gate.rule, truth: truthOf(judged, gate.when) }));
  const failed = truths.filter(({ truth }) => truth === "error").map(({ rule }) => rule.ref);
  if (failed.length > 0) return { ok: false, no: ruleError(judged, failed) };
  const applying = truths.filter(({ truth }) => truth === "true");
  const closed = applying
    .map(({ rule }) => rule)
    .filter((rule) => rule.hours !== undefined && !withinHours(rule.hours, judged.request.now));
  if (closed.length > 0) return { ok: false, no: outsideHours(judged, closed) };
  const exceeded = applying
    .map(({ rule }) => rule)
    .filter((rule) => rule.limits.records !== undefined && judged.records > rule.limits.records);
  if (exceeded.length > 0) return { ok: false, no: recordsExceeded(judged, exceeded) };
  return { ok: true, gates: applying.map(({ gate }) => gate) };
}

function outsideHours(judged: Judged, gates: readonly Gate[]): No {
  const waits = gates.flatMap((gate) => (gate.hours === undefined ? [] : (opensInMs(gate.hours, judged.request.now) ?? [])));
  const [first] = gates;
  const where = first === undefined ? "" : ` (${place(first.ref)}: ${first.ref.reason})`;
  return {
    code: "outside_hours",
    message: `\`${judged.action.scope}\` is not possible at this time${where}; try again when the hours are open`,
    rules: gates.map((gate) => gate.ref),
    next: waits.length === 0 ? [] : [{ kind: "retry_after", ms: Math.max(...waits) }],
  };
}

function recordsExceeded(
  judged: Judged,
  rules: readonly { readonly ref: RuleRef; readonly limits: { readonly records?: number | undefined } }[],
): No {
  const max = Math.min(...rules.flatMap((rule) => rule.limits.records ?? []));
  const field = judged.action.batch ?? "args";
  return {
    code: "records_exceeded",
    message: `the call touches ${String(judged.records)} records and at most ${String(max)} are permitted (${rules.map((rule) => place(rule.ref)).join(", ")}); name fewer`,
    rules: rules.map((rule) => rule.ref),
    next: [{ kind: "narrow", field, allowed: [max] }],
  };
}

/** The most telling reason wins: a call that would pass with other fields is told so. */
function unpermitted(judged: Judged, standings: readonly { readonly grant: Grant; readonly standing: Standing }[]): No {
  const of = (standing: Standing): readonly Grant[] => standings.filter((one) => one.standing === standing).map((one) => one.grant);
  if (of("fields").length > 0) return fieldNotPermitted(judged, of("fields"));
  if (of("records").length > 0) return recordsExceeded(judged, of("records"));
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
