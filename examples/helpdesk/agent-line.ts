import { type AgentKey, type CallOutcome, connect, type JsonObject } from "@bailiwick/client";
import type { Observed } from "./observed.ts";
import type { Actor, Step } from "./scenario.ts";

export type { AgentKey };

/** One scripted agent at work: everything it can do, it does through the broker. */
export interface AgentLine {
  call(step: Pick<Step, "kind" | "call" | "args" | "reason">): Promise<Observed>;
  /** Waits until a person has answered. @throws the reason of `signal` when it aborts first. */
  waitForApproval(ticket: string, signal?: AbortSignal): Promise<Observed>;
  listTools(): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

/** Opens a session of its own for this agent, user and task. @throws Error when the broker gives no token. */
export async function connectAgent(options: {
  readonly brokerUrl: string;
  readonly key: AgentKey;
  readonly actor: Actor;
}): Promise<AgentLine> {
  const { user, task, data, scope, rows } = options.actor;
  const narrowed = rows === undefined ? {} : { rows };
  const connection = await connect({ url: options.brokerUrl, key: options.key, user, task, data, scope, ...narrowed });
  return {
    call: async ({ kind, call, args, reason }) =>
      observe(kind === "resource" ? await connection.readResource(call, { reason }) : await connection.call(call, args, { reason })),
    waitForApproval: async (ticket, signal) => observe(await connection.waitForApproval(ticket, signal === undefined ? {} : { signal })),
    listTools: () => connection.listTools(),
    // The demo may be stopped while its agents leave: the sessions of a broker that is gone end by themselves.
    close: () => connection.end().catch(() => undefined),
  };
}

const NOTHING = { hidden: [], masked: [], rowsRemoved: 0, rules: [], next: [], failed: false, record: {} } as const;

function observe(outcome: CallOutcome): Observed {
  const text = JSON.stringify(outcome);
  switch (outcome.kind) {
    case "result":
      return {
        ...NOTHING,
        kind: "result",
        failed: outcome.isError,
        ...noteOf(outcome.body),
        record: objectIn(outcome.body["structuredContent"]),
        text,
      };
    case "refused": {
      const { code, next, callId } = outcome;
      const rules = outcome.rules.map(({ id, reason, file, line }) => ({ id, reason, at: { file, line } }));
      return { ...NOTHING, kind: "refused", code, message: outcome.message.replace(` (${code})`, ""), rules, next, callId, text };
    }
    case "pending":
      return { ...NOTHING, kind: "pending", ticket: outcome.ticket, text };
    case "toolError":
      return { ...NOTHING, kind: "tool_error", code: String(outcome.code), message: outcome.message, text };
    case "unknown":
      return { ...NOTHING, kind: "unknown", message: outcome.message, text };
  }
}

/** What the broker says it took out of a result (`_meta.bailiwick`). */
function noteOf(body: JsonObject): Pick<Observed, "hidden" | "masked" | "rowsRemoved"> {
  const note = objectIn(objectIn(body["_meta"])["bailiwick"]);
  const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((item) => typeof item === "string") : []);
  const removed = note["rowsRemoved"];
  return { hidden: texts(note["hidden"]), masked: texts(note["masked"]), rowsRemoved: typeof removed === "number" ? removed : 0 };
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
