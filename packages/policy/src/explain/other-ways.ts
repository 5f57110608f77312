import { place } from "../decide/answer.ts";
import { insideCeiling } from "../decide/bounds.ts";
import { decide } from "../decide/decide.ts";
import { supposed } from "../decide/elevations.ts";
import { situationOf } from "../decide/situation.ts";
import type { Situation } from "../decide/situation.ts";
import { isList, isObject } from "../json.ts";
import { valueAt } from "../facts/request-facts.ts";
import type { JsonObject } from "../json.ts";
import type { CatalogAction, Decision, DecisionRequest, Policy } from "../types.ts";

/** Ways to another verdict that lie in the policy's lines, the session or the number of things asked for, not in one fact. */
export function otherWays(policy: Policy, request: DecisionRequest, decision: Decision): readonly string[] {
  const code = decision.refusal?.code;
  const situation = situationOf(policy, request);
  if (code === undefined || "code" in situation) return code === undefined ? [] : [decision.refusal?.message ?? ""];
  const { action } = situation;
  switch (code) {
    case "no_grant":
    case "row_not_permitted":
    case "field_not_permitted":
      return [...byOwnMeans(policy, request, decision, situation), ...byElevation(policy, request, situation)];
    case "outside_ceiling":
      return situation.place.ceilings
        .filter(({ rule: ceiling }) => !insideCeiling(ceiling, situation))
        .map(({ rule: { ref: rule } }) => `add \`${action.scope}\` and its effect \`${action.effect}\` to the ceiling at ${place(rule)}`);
    case "outside_session_scope":
      return [`open the session with a scope that includes \`${action.scope}\``];
    case "records_exceeded":
      return (
        decision.refusal?.next.flatMap((step) =>
          step.kind === "narrow" ? [`${amountWord(action, step.field, String(step.allowed[0]))} in \`${step.field}\``] : [],
        ) ?? []
      );
    case "outside_hours":
      return (
        decision.refusal?.next.flatMap((step) =>
          step.kind === "retry_after" ? [`would be decided otherwise from ${new Date(request.now.getTime() + step.ms).toISOString()}`] : [],
        ) ?? []
      );
    case "denied_by_rule":
      return decision.rules.filter((rule) => rule.kind === "deny").map((rule) => `remove or narrow the deny at ${place(rule)}`);
    case "outside_delegation":
    case "cross_tenant":
    case "argument_invalid":
    case "rule_error":
      return [];
  }
}

function amountWord({ cost, destination }: CatalogAction, field: string, max: string): string {
  if (field === cost) return `ask for at most ${max}`;
  return `name at most ${max} ${destination.includes(field) ? "recipients" : "records"}`;
}

/** What the policy's authors could grant, or the agent leave out. */
function byOwnMeans(policy: Policy, request: DecisionRequest, decision: Decision, { agent, action }: Situation): readonly string[] {
  if (decision.refusal?.code === "field_not_permitted") return withoutFields(policy, request, decision);
  if (decision.rules.some((rule) => rule.kind === "grant")) return [];
  return [`add \`- do: ${action.scope}\` to \`allow\` of a role of this agent (${agent.roles.map((role) => `\`${role}\``).join(", ")})`];
}

/** Roles that the agent may ask for, each tried. */
function byElevation(policy: Policy, request: DecisionRequest, { agent }: Situation): readonly string[] {
  const { caller } = request;
  return agent.eligible.flatMap(({ role, at }) => {
    const elevations = [...(caller.elevations ?? []), supposed(role).elevation];
    const { verdict } = decide(policy, { ...request, caller: { ...caller, elevations } });
    if (verdict === "deny") return [];
    return [
      `would be ${verdict === "allow" ? "allowed" : "held for approval"} with the role \`${role}\`, which this agent may ask for (${at.file}:${String(at.line)})`,
    ];
  });
}

/** The call without the refused fields, tried. */
function withoutFields(policy: Policy, request: DecisionRequest, decision: Decision): readonly string[] {
  const step = decision.refusal?.next.find((next) => next.kind === "narrow");
  const situation = situationOf(policy, request);
  if (step === undefined || "code" in situation) return [];
  const refused = situation.written.filter((field) => !step.allowed.includes(field));
  const path = step.field.split(".").slice(1);
  const fields = valueAt(request.args, path);
  if (!isObject(fields) || isList(fields)) return [];
  const kept = Object.fromEntries(Object.entries(fields).filter(([key]) => !refused.includes(key)));
  const verdict = decide(policy, { ...request, args: replaceAt(request.args, path, kept) }).verdict;
  return verdict === "deny"
    ? []
    : [`would be ${verdict === "allow" ? "allowed" : "held for approval"} without ${refused.map((field) => `\`${field}\``).join(", ")}`];
}

function replaceAt(args: JsonObject, [step, ...rest]: readonly string[], value: JsonObject): JsonObject {
  if (step === undefined) return value;
  const inner = args[step];
  return { ...args, [step]: isObject(inner) ? replaceAt(inner, rest, value) : value };
}
