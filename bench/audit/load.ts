import type { LogEntry } from "../../packages/broker/src/domain/audit.ts";
import type { Session } from "../../packages/broker/src/domain/session.ts";
import type { Store } from "../../packages/broker/src/adapters/store/index.ts";
import { median, quantile } from "../statistics.ts";

const TENANT = "bench";
const AGENT = "bailiwick://bench/prod/helpdesk/support";
const SESSION_MS = 290_000;

/** What one load showed. */
export interface LoadFigures {
  readonly callers: number;
  readonly callsPerS: number;
  readonly recordsPerS: number;
  readonly intentP50Ms: number;
  readonly intentP99Ms: number;
  /** CPU of this process a call; the database's own is not in it. */
  readonly cpuUs: number;
}

/** Opens the session that the calls of one load belong to. */
export async function openSession(store: Store): Promise<string> {
  const issuedAt = new Date();
  const session: Session = {
    id: `ses_${issuedAt.getTime()}_${Math.random().toString(36).slice(2)}`,
    tenant: TENANT,
    environment: "prod",
    workflow: "helpdesk",
    agent: AGENT,
    user: "ada@bench.example",
    task: "ticket-4711",
    run: "run_of_the_bench",
    data: { ticket: "T-4711" },
    scope: ["tickets:*"],
    userProof: "asserted",
    rows: [],
    limits: {},
    grant: "client_credentials",
    binding: { kind: "dpop", jkt: "x".repeat(43) },
    lineage: [],
    actors: [],
    issuedAt,
    expiresAt: new Date(issuedAt.getTime() + SESSION_MS),
  };
  await store.sessions.create(session);
  return session.id;
}

/** So many callers make calls, one after the other each: a durable intent with facts and a counter, then a durable outcome. */
export async function load(
  store: Store,
  { callers, calls, name }: { readonly callers: number; readonly calls: number; readonly name: string },
): Promise<LoadFigures> {
  const session = await openSession(store);
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const started = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < calls) {
      const callId = `call_${name}_${callers}_${next++}`;
      const before = performance.now();
      await intend(store, callId, session);
      latencies.push(performance.now() - before);
      await store.log.append(TENANT, outcomeOf(callId, session));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - started) / 1_000;
  const used = process.cpuUsage(cpu);
  return {
    callers,
    callsPerS: calls / seconds,
    recordsPerS: (2 * calls) / seconds,
    intentP50Ms: median(latencies),
    intentP99Ms: quantile(latencies, 0.99),
    cpuUs: (used.user + used.system) / calls,
  };
}

async function intend(store: Store, callId: string, session: string): Promise<void> {
  const ticket = `T-${callId.length % 7}${callId.at(-1) ?? ""}`;
  const facts = {
    operation: { tool: "tickets", kind: "tool", name: "update_ticket" },
    args: { id: ticket, status: "open", note: "the customer called again and wants to know when it is done" },
    resource: {
      type: "Ticket",
      id: ticket,
      attributes: { region: "emea", status: "new", title: "the printer on the second floor is on fire", customer: "c-17" },
    },
    user: "ada@bench.example",
    task: "ticket-4711",
    peer: "10.1.2.3",
  };
  const outcome = await store.log.intend(
    TENANT,
    { kind: "intent", callId, ...saidOf(session, ticket, { limits: 1 }), facts },
    {
      session,
      reservations: [{ key: "calls of the agent", max: Number.MAX_SAFE_INTEGER, windowMs: 3_600_000, amount: 1 }],
      instead: () => ({ kind: "refusal", callId, ...saidOf(session, ticket, { code: "rate_limited" }) }),
    },
  );
  if (!outcome.ok) throw new Error(`the bench's call was refused: ${outcome.why}`);
}

function outcomeOf(callId: string, session: string): LogEntry {
  const own = saidOf(session, `T-${callId.length % 7}${callId.at(-1) ?? ""}`, {
    status: "succeeded",
    durationMs: 12,
    upstreamMs: 9,
    records: 1,
    rowsRemoved: 0,
  });
  return { kind: "outcome", callId, ...own, commits: { result: `sha256:${"c".repeat(64)}` } };
}

const RULES = [
  { kind: "grant", id: "update-own-region", file: "roles/support.yaml", line: 12, reason: "support works the tickets of its own region" },
  { kind: "gate", id: "office-hours", file: "gates.yaml", line: 3, reason: "nobody is there to notice at night" },
];

function saidOf(
  session: string,
  ticket: string,
  more: Readonly<Record<string, string | number>>,
): Pick<LogEntry, "body" | "people" | "task" | "resource"> {
  return {
    body: {
      at: new Date().toISOString(),
      broker: "brk_0123456789ab",
      tenant: TENANT,
      environment: "prod",
      workflow: "helpdesk",
      agent: AGENT,
      userProof: "asserted",
      session,
      run: "run_of_the_bench",
      binding: "dpop",
      tool: "tickets",
      operation: "update_ticket",
      action: "tickets:update",
      effect: "write",
      fingerprint: `sha256:${"a".repeat(64)}`,
      verdict: "allow",
      rules: RULES,
      policyVersion: `sha256:${"b".repeat(64)}`,
      ...more,
    },
    people: { user: "ada@bench.example" },
    task: "ticket-4711",
    resource: { type: "Ticket", id: ticket },
  };
}
