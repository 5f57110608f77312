import { setImmediate } from "node:timers/promises";
import type { z } from "@hono/zod-openapi";
import {
  type ActiveElevation,
  type AgentConfig,
  matrix,
  type MatrixCell,
  type MatrixElevation,
  type MatrixWay,
  type Policy,
} from "@bailiwick/policy";
import type { matrixCellSchema, matrixSchema } from "../../rest-contract/rights.ts";
import type { RestPorts } from "./ports.ts";
import type { Principal } from "./principal.ts";
import { notFound } from "./tenants.ts";

/** A right for a time, and the task whose sessions alone have it. */
export interface InForce extends ActiveElevation {
  readonly task?: string | undefined;
}

/** Cells of one agent in one version of the policy, without rights for a time; a version never changes. */
const known = new WeakMap<Policy, Map<string, readonly MatrixCell[]>>();

/**
 * What an agent may do, action by action. Without rights for a time it is computed once for each version of the policy. Other work of this
 * process gets its turn in between, because a long table must not keep agents' calls waiting.
 */
export async function cellsOf(policy: Policy, { name }: AgentConfig, inForce: readonly InForce[]): Promise<readonly MatrixCell[]> {
  const rows = known.get(policy) ?? new Map<string, readonly MatrixCell[]>();
  known.set(policy, rows);
  const before = inForce.length === 0 ? rows.get(name) : undefined;
  if (before !== undefined) return before;
  await setImmediate();
  const cells = matrix(policy, { agents: [name], elevations: new Map([[name, inForce]]) }).rows[0]?.cells ?? [];
  if (inForce.length === 0) rows.set(name, cells);
  return cells;
}

/** The agent of that name among the person's tenants. @throws Problem `not_found`. */
export function agentNamed(policy: Policy, principal: Principal, name: string): AgentConfig {
  const agent = policy.agents.find((each) => each.name === name && principal.tenants.includes(each.tenant));
  if (agent === undefined) throw notFound("agent", name, "bailiwick agents list");
  return agent;
}

/** Rights for a time that are in force in these tenants, by agent. */
export async function inForceIn(ports: RestPorts, tenants: readonly string[]): Promise<ReadonlyMap<string, readonly InForce[]>> {
  const lists = await Promise.all(tenants.map((tenant) => ports.elevations.active(tenant, undefined, ports.now())));
  const elevations = lists.flat().flatMap(({ agent, id, role, task, given }) => {
    if (given === undefined) return [];
    return [{ agent, right: { id, role, scope: given.scope, until: given.until, ...(task === undefined ? {} : { task }) } }];
  });
  return new Map([...Map.groupBy(elevations, ({ agent }) => agent)].map(([agent, of]) => [agent, of.map(({ right }) => right)]));
}

type Cell = z.input<typeof matrixCellSchema>;
type Row = z.input<typeof matrixSchema>["rows"][number];

/** A cell as people read it; `inForce` are the rights for a time that it was computed with. */
export function viewCell(cell: MatrixCell, inForce: readonly InForce[]): Cell {
  const { operation, action, scope, effect, verdict, when, reason, ways, rules, elevations } = cell;
  return {
    operation,
    action,
    scope,
    effect,
    verdict,
    when,
    reason,
    ways: ways.map(viewWay),
    rules: [...rules],
    elevations: elevations.map((elevation) => viewElevation(elevation, inForce)),
  };
}

function viewElevation(
  { eligible, active, verdict, when, ways }: MatrixElevation,
  inForce: readonly InForce[],
): Cell["elevations"][number] {
  const ids = new Set(active.map(({ id }) => id));
  return {
    eligible: viewEligible(eligible),
    active: viewInForce(inForce.filter(({ id }) => ids.has(id))),
    verdict,
    when,
    ways: ways.map(viewWay),
  };
}

function viewWay(way: MatrixWay): Cell["ways"][number] {
  return {
    ...way,
    conditions: [...way.conditions],
    rows: [...way.rows],
    fields: [...way.fields],
    limits: [...way.limits],
    approval: [...way.approval],
    hours: [...way.hours],
    content: [...way.content],
    rules: [...way.rules],
  };
}

/** A right that the agent may ask for, for a time. */
export function viewEligible({ role, mostMs, reason, approve, at }: AgentConfig["eligible"][number]): Row["eligible"][number] {
  return { role, mostMs, reason, by: [...approve.by], at };
}

/** Rights that the agent has for a time. */
export function viewInForce(inForce: readonly InForce[]): Row["elevations"] {
  return inForce.map(({ id, role, scope, task, until }) => ({
    id,
    role,
    scope: [...scope],
    ...(task === undefined ? {} : { task }),
    until: until.toISOString(),
  }));
}

/** A cell in the fewest words: the verdict, and the most that one role more makes of it. One that is in force says more than one to ask for. */
export function viewMark({ verdict, when, elevations }: MatrixCell): Row["cells"][number] {
  const [best] = elevations.toSorted((a, b) => rank(a) - rank(b));
  if (best === undefined) return { verdict, when };
  return { verdict, when, raised: { verdict: best.verdict, role: best.eligible.role, active: best.active.length > 0 } };
}

function rank({ active, verdict }: MatrixElevation): number {
  return (active.length > 0 ? 0 : 2) + (verdict === "allow" ? 0 : 1);
}
