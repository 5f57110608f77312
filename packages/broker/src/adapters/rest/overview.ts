import type { OpenAPIHono, z } from "@hono/zod-openapi";
import { type Matrix, matrix, type Policy, type RuleRef } from "@bailiwick/policy";
import { callFigures } from "../../insight/overview.ts";
import { securityKpis } from "../../insight/security-kpis.ts";
import { overviewSchema } from "../../rest-contract/overview.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { tenantQuery, tenantsOf } from "./tenants.ts";

type Overview = z.input<typeof overviewSchema>;

/**
 * `GET /overview`. It shows counts under names of agents, actions and rules, no record and no person, so that looking at it is no read of the
 * log that would have to be recorded.
 */
export function addOverviewEndpoint(app: OpenAPIHono, ports: RestPorts): void {
  const overviews = countedTogether((tenants) => overviewOf(ports, tenants));
  addEndpoint(app, ports, {
    method: "get",
    path: "/overview",
    tag: "overview",
    summary: "today and this week in figures, and the six figures that security teams report",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: overviewSchema,
    handle: ({ principal, query }) => overviews(tenantsOf(principal, query.tenant).toSorted()),
  });
}

/**
 * However many look, the same logs are counted once at a time: whoever asks meanwhile gets the count after it. So nobody is told less than was
 * recorded before they asked, which an answer kept for some seconds would do to a page that was just told of a call.
 */
function countedTogether<T>(count: (tenants: readonly string[]) => Promise<T>): (tenants: readonly string[]) => Promise<T> {
  const counting = new Map<string, { readonly current: Promise<T>; next?: Promise<T> | undefined }>();
  const start = (key: string, tenants: readonly string[]): Promise<T> => {
    const turn: { readonly current: Promise<T>; next?: Promise<T> | undefined } = { current: count(tenants) };
    counting.set(key, turn);
    const over = (): void => {
      if (turn.next === undefined && counting.get(key) === turn) counting.delete(key);
    };
    turn.current.then(over, over);
    return turn.current;
  };
  return (tenants) => {
    const key = JSON.stringify(tenants);
    const turn = counting.get(key);
    if (turn === undefined) return start(key, tenants);
    const begin = (): Promise<T> => start(key, tenants);
    return (turn.next ??= turn.current.then(begin, begin));
  };
}

async function overviewOf(ports: RestPorts, tenants: readonly string[]): Promise<Overview> {
  const now = ports.now();
  const policy = ports.policy();
  const [logs, attempts] = await Promise.all([
    Promise.all(tenants.map((tenant) => ports.log.figures(tenant, now))),
    Promise.all(tenants.map((tenant) => ports.agentKeys.sharedAttempts(tenant))),
  ]);
  const table = matrixOf(policy);
  const own = { ...table.matrix, rows: table.matrix.rows.filter(({ agent }) => tenants.includes(agent.tenant)) };
  const figures = callFigures(logs, now, (id) => table.rules.get(id));
  const kpis = securityKpis({ policy, matrix: own, logs, sharedAttempts: attempts.flat().length, now });
  return {
    tenants: [...tenants],
    at: now.toISOString(),
    ...figures,
    hours: [...figures.hours],
    refusedRules: [...figures.refusedRules],
    refusedActions: [...figures.refusedActions],
    codes: [...figures.codes],
    agents: [...figures.agents],
    kpis: [...kpis],
  };
}

interface Table {
  readonly matrix: Matrix;
  readonly rules: ReadonlyMap<string, RuleRef>;
}

const tables = new WeakMap<Policy, Table>();

/** Computed once for a policy: with many agents and actions it takes a while. */
function matrixOf(policy: Policy): Table {
  const known = tables.get(policy);
  if (known !== undefined) return known;
  const whole = matrix(policy);
  const rules = whole.rows.flatMap(({ cells }) => cells.flatMap((cell) => cell.rules));
  const made = { matrix: whole, rules: new Map(rules.map((rule) => [rule.id, rule])) };
  tables.set(policy, made);
  return made;
}
