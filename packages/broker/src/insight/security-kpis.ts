import type { Matrix, Policy } from "@bailiwick/policy";
import type { RefusalCode } from "../call/refusal.ts";
import { type ActionCounts, FIGURE_DAYS, type LogFigures } from "../domain/log-figures.ts";
import { HIGH_EFFECTS } from "../domain/stakes.ts";
import { countsOf, delayFigures } from "./overview.ts";

/** One of the figures that security teams report, or why there is none yet. */
export interface SecurityKpi {
  readonly id:
    | "shared_credentials"
    | "least_privilege_coverage"
    | "high_risk_approval"
    | "policy_violation_rate"
    | "time_to_detect"
    | "stale_permissions";
  readonly unit: "count" | "percent" | "ms";
  readonly value: number | undefined;
  /** Of a percentage: so many of so many. */
  readonly part: number | undefined;
  readonly whole: number | undefined;
  /** What exactly was counted. */
  readonly means: string;
  readonly notMeasured: string | undefined;
}

export interface KpiSources {
  readonly policy: Policy;
  /** Of the agents of these tenants. */
  readonly matrix: Matrix;
  readonly logs: readonly LogFigures[];
  /** Keys that were offered for a second agent. */
  readonly sharedAttempts: number;
  readonly now: Date;
}

const DAYS = FIGURE_DAYS - 1;
const DAY_MS = 86_400_000;
const COUNTING = "the log is still being counted; look again in a moment";

/** The six figures of the maturity matrix, from what is recorded. Nothing is estimated: what cannot be told yet says why. */
export function securityKpis(sources: KpiSources): readonly SecurityKpi[] {
  return [
    {
      ...counted("shared_credentials", `keys that two agents hold; ${sources.sharedAttempts} attempts to share one were refused`),
      // A key belongs to one agent: the store refuses it to a second one.
      value: 0,
    },
    coverage(sources),
    highRisk(sources),
    violations(sources),
    detection(sources),
    stale(sources),
  ];
}

function coverage({ matrix, logs }: KpiSources): SecurityKpi {
  const used = new Set(
    actionsOf(logs).flatMap(({ agent, action, ran }) => (ran > 0 && action !== undefined ? [`${agent}\n${action}`] : [])),
  );
  const granted = new Set(
    matrix.rows.flatMap(({ agent, cells }) =>
      cells.filter(({ verdict }) => verdict !== "deny").map(({ scope }) => `${agent.name}\n${scope}`),
    ),
  );
  return share("least_privilege_coverage", `rights that ran a call in ${DAYS} days, of all an agent has (agent by action)`, {
    part: [...granted].filter((right) => used.has(right)).length,
    whole: granted.size,
    none: counting(logs) ?? "no agent has a right yet",
    blocked: counting(logs),
  });
}

function highRisk({ policy, logs }: KpiSources): SecurityKpi {
  const scopes = new Set(
    policy.tools.flatMap(({ actions }) => actions.filter(({ effect }) => HIGH_EFFECTS.has(effect)).map(({ scope }) => scope)),
  );
  const ran = actionsOf(logs).filter(({ action }) => action !== undefined && scopes.has(action));
  return share("high_risk_approval", `calls that deleted, sent, paid, exported, granted or executed in ${DAYS} days after a person's yes`, {
    part: total(ran, ({ approved }) => approved),
    whole: total(ran, (each) => each.ran),
    none: `no call with such an effect ran in ${DAYS} days`,
    blocked: counting(logs),
  });
}

/** The agent tried what it may not. The other codes are faults, requests without right form, and a person's no. */
const VIOLATIONS: ReadonlySet<string> = new Set<RefusalCode>([
  "no_grant",
  "denied_by_rule",
  "outside_ceiling",
  "outside_session_scope",
  "outside_delegation",
  "row_not_permitted",
  "field_not_permitted",
  "cross_tenant",
  "wrong_tenant",
  "records_exceeded",
  "outside_hours",
  "session_revoked",
  "agent_stopped",
  "proof_replayed",
  "tool_unknown",
  "tool_unreviewed",
  "rate_limited",
  "budget_spent",
]);

function violations({ logs }: KpiSources): SecurityKpi {
  const codes = logs.flatMap(({ days }) => days.flatMap((day) => [...day.codes]));
  const violating = codes.filter(([code]) => VIOLATIONS.has(code));
  const { calls } = countsOf(logs.flatMap(({ days }) => days.flatMap(({ hours }) => [...hours.values()])));
  return share("policy_violation_rate", `calls in ${DAYS} days that were refused because the agent may not, of all calls`, {
    part: total(violating, ([, count]) => count),
    whole: calls,
    none: `no call was made in ${DAYS} days`,
    blocked: counting(logs),
  });
}

function detection({ logs }: KpiSources): SecurityKpi {
  const { count, medianMs } = delayFigures(logs.flatMap(({ unknowns }) => unknowns));
  const means = "from the intent of a call to the record that its outcome is unknown, median; a refusal is recorded before it is answered";
  const kpi = { ...counted("time_to_detect", means), unit: "ms", whole: count } as const;
  const notMeasured = counting(logs) ?? (medianMs === undefined ? `no outcome was unknown in ${DAYS} days` : undefined);
  return notMeasured === undefined ? { ...kpi, value: medianMs } : { ...kpi, notMeasured };
}

function stale({ matrix, logs, now }: KpiSources): SecurityKpi {
  const used = new Set(logs.flatMap(({ days }) => days.flatMap(({ rules }) => rules.flatMap((each) => (each.ran > 0 ? each.rules : [])))));
  const grants = new Set(matrix.rows.flatMap(({ cells }) => cells.flatMap(({ ways }) => ways.map(({ grant }) => grant.id))));
  const means = `grants of the policy that let no call run in ${DAYS} days; one that was written since then counts as well`;
  return share("stale_permissions", means, {
    part: [...grants].filter((grant) => !used.has(grant)).length,
    whole: grants.size,
    none: "the policy grants nothing to these agents yet",
    blocked: counting(logs) ?? tooYoung(logs, now),
  });
}

/** Nothing can have been unused for longer than the log reaches back. */
function tooYoung(logs: readonly LogFigures[], now: Date): string | undefined {
  const reach = Math.max(0, ...logs.map(({ begins }) => (begins === undefined ? 0 : now.getTime() - begins.getTime())));
  if (reach >= DAYS * DAY_MS) return undefined;
  const days = Math.floor(reach / DAY_MS);
  return `the log reaches back ${days === 1 ? "1 day" : `${days} days`}, and stale means unused for ${DAYS}`;
}

function counting(logs: readonly LogFigures[]): string | undefined {
  return logs.every(({ complete }) => complete) ? undefined : COUNTING;
}

function actionsOf(logs: readonly LogFigures[]): readonly ActionCounts[] {
  return logs.flatMap(({ days }) => days.flatMap(({ actions }) => actions));
}

function counted(id: SecurityKpi["id"], means: string): SecurityKpi {
  return { id, unit: "count", value: undefined, part: undefined, whole: undefined, means, notMeasured: undefined };
}

function share(
  id: SecurityKpi["id"],
  means: string,
  {
    part,
    whole,
    none,
    blocked,
  }: { readonly part: number; readonly whole: number; readonly none: string; readonly blocked: string | undefined },
): SecurityKpi {
  const kpi = { ...counted(id, means), unit: "percent" } as const;
  const notMeasured = blocked ?? (whole === 0 ? none : undefined);
  // Rounded down, so that 100 means all.
  return notMeasured === undefined ? { ...kpi, value: Math.floor((1_000 * part) / whole) / 10, part, whole } : { ...kpi, notMeasured };
}

function total<T>(rows: readonly T[], of: (row: T) => number): number {
  return rows.reduce((sum, row) => sum + of(row), 0);
}
