import type { AuditLog, CallQuery } from "../../packages/broker/src/domain/audit.ts";
import { median, quantile } from "../statistics.ts";
import type { FilledLog } from "./fill.ts";

/** One way of asking, with the questions to ask. */
interface QueryKind {
  readonly name: string;
  readonly asks: readonly (() => Promise<number>)[];
}

export interface QueryFigures {
  readonly name: string;
  readonly asked: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly slowestMs: number;
  /** Calls or records that came back, on average. */
  readonly found: number;
}

type Log = Pick<AuditLog, "calls" | "recordsOf" | "query">;
type Filter = Omit<CallQuery, "limit">;

const PAGE = 50;
const HOUR_MS = 3_600_000;

/** Asks each kind of question `rounds` times over, as the interface does: the page's calls, and all their records with names. */
export async function queryMix(log: Log, filled: FilledLog, rounds: number): Promise<readonly QueryFigures[]> {
  const figures: QueryFigures[] = [];
  for (const { name, asks } of kindsOf(log, filled)) {
    const times: number[] = [];
    let found = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const ask of asks) {
        const before = performance.now();
        found += await ask();
        times.push(performance.now() - before);
      }
    }
    figures.push({
      name,
      asked: times.length,
      p50Ms: median(times),
      p95Ms: quantile(times, 0.95),
      slowestMs: Math.max(...times),
      found: found / times.length,
    });
  }
  return figures;
}

function kindsOf(log: Log, filled: FilledLog): readonly QueryKind[] {
  const { tenant, agents, users, tasks, resources, approvers, actions, tools, runs, rules, calls } = filled;
  const page = async (filter: Filter): Promise<number> => {
    const { places } = await log.calls(tenant, { ...filter, limit: PAGE });
    await log.recordsOf(
      tenant,
      places.map(({ callId }) => callId),
    );
    return places.length;
  };
  const kind = (name: string, filters: readonly Filter[]): QueryKind => ({ name, asks: filters.map((filter) => () => page(filter)) });
  const ends = <T>(values: readonly T[]): readonly T[] => [...values.slice(0, 5), ...values.slice(-5)];
  const at = (share: number): Date => new Date(filled.first.getTime() + share * (filled.last.getTime() - filled.first.getTime()));
  const hourAt = (share: number): Filter => ({ from: at(share), to: new Date(at(share).getTime() + HOUR_MS) });
  const deep = [0.75, 0.5, 0.25, 0.05].map((share) => Math.floor(filled.records * share));
  const common = { agent: agents[0], user: users[0], action: actions[0], tool: tools[0] };
  return [
    kind("newest page", [{}]),
    kind(
      "deep page",
      deep.map((before) => ({ before })),
    ),
    kind(
      "agent",
      ends(agents).map((agent) => ({ agent })),
    ),
    kind(
      "agent, deep page",
      deep.map((before) => ({ agent: agents[0], before })),
    ),
    kind(
      "user",
      ends(users).map((user) => ({ user })),
    ),
    kind(
      "run",
      runs.slice(0, 10).map((run) => ({ run })),
    ),
    kind(
      "tool",
      ends(tools).map((tool) => ({ tool })),
    ),
    kind(
      "action",
      ends(actions).map((action) => ({ action })),
    ),
    kind(
      "task",
      ends(tasks).map((task) => ({ task })),
    ),
    kind(
      "resource",
      ends(resources).map((resource) => ({ resource })),
    ),
    kind(
      "decision",
      ["deny", "ask", "allow"].map((verdict) => ({ verdict })),
    ),
    kind(
      "approver",
      approvers.map((approver) => ({ approver })),
    ),
    kind(
      "rule",
      [...ends(rules), ...rules.slice(40, 45)].map((rule) => ({ rule })),
    ),
    kind(
      "status",
      ["failed", "unknown", "withheld", "succeeded", "refused", "held", "running"].map((status) => ({ status })),
    ),
    kind(
      "refusal code",
      ["no_grant", "row_not_permitted", "rate_limited"].map((code) => ({ code })),
    ),
    kind("an hour long ago", [0.02, 0.3, 0.6, 0.95].map(hourAt)),
    kind(
      "agent in an hour long ago",
      [0.02, 0.3, 0.6, 0.95].map((share) => ({ agent: agents[0], ...hourAt(share) })),
    ),
    kind("nobody, nothing", [
      { user: "nobody@acme.example" },
      { rule: "no-such-rule" },
      { agent: "no-such-agent" },
      { code: "no_such_code" },
    ]),
    kind("agent and action", [
      { agent: common.agent, action: common.action },
      { agent: common.agent, action: actions.at(-1) },
      { agent: agents.at(-1), action: common.action },
    ]),
    kind("user, agent and tool", [
      { user: common.user, agent: common.agent, tool: common.tool },
      { user: users.at(-1), agent: common.agent, tool: tools.at(-1) },
    ]),
    kind("agent and failed", [
      { agent: common.agent, status: "failed" },
      { agent: agents.at(-1), status: "failed" },
      { agent: agents.at(-1), status: "succeeded" },
    ]),
    kind(
      "user and failed",
      ends(users).map((user) => ({ user, status: "failed" })),
    ),
    kind("rule and refused", [
      { rule: rules[0], status: "refused" },
      { rule: rules[44], status: "failed" },
      { rule: rules[44], status: "succeeded" },
    ]),
    kind("rule and agent", [
      { rule: rules[0], agent: common.agent },
      { rule: rules[44], agent: common.agent },
      { rule: rules[55], agent: agents.at(-1) },
    ]),
    kind("approver and agent", [
      { approver: approvers[0], agent: common.agent },
      { approver: approvers[0], agent: agents.at(-1) },
    ]),
    kind("approver and succeeded", [
      { approver: approvers[0], status: "succeeded" },
      { approver: approvers[1], status: "failed" },
    ]),
    { name: "one call", asks: calls.slice(0, 10).map((callId) => async () => (await log.recordsOf(tenant, [callId])).length) },
    { name: "records of a run", asks: runs.slice(0, 10).map((run) => async () => (await log.query(tenant, { run, limit: 500 })).length) },
  ];
}
