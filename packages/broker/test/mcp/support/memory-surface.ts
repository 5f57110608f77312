import { randomBytes } from "node:crypto";
import type { JsonObject } from "@bailiwick/policy";
import { isObject } from "../../../src/adapters/mcp-protocol/index.ts";
import type { Presented } from "../../../src/call/presented.ts";
import { Refusal } from "../../../src/call/refusal.ts";
import type { AgentSurface } from "../../../src/call/surface.ts";
import type { CallAnswer, IncomingCall } from "../../../src/call/types.ts";
import type { Approval } from "../../../src/domain/approval.ts";
import type { Session } from "../../../src/domain/session.ts";
import { ToolError } from "../../../src/domain/tool.ts";
import type { CallIo } from "../../../src/domain/tool.ts";
import { PLAIN } from "../../plain-session.ts";

export interface MemoryOperation {
  readonly kind: "tool" | "resource" | "prompt";
  /** As it stands in the list. */
  readonly entry: JsonObject;
  /** A person is asked first. */
  readonly held?: boolean;
  readonly run: (args: JsonObject, io: CallIo, call: Omit<IncomingCall, "kind" | "name" | "args">) => Promise<JsonObject | CallAnswer>;
}

export interface MemorySurface extends AgentSurface {
  /** Every call that reached `handle` or `resume`. */
  readonly seen: {
    readonly name: string;
    readonly token: string | undefined;
    readonly statedReason: string | undefined;
    readonly traceparent: string | undefined;
    readonly peer: string;
  }[];
  readonly tickets: string[];
  /** How many waits the agent has broken off. */
  readonly broken: () => number;
  allow(token: string, session?: Partial<Session>): void;
  revoke(token: string): void;
  expire(token: string): void;
  answer(ticket: string, state: "approved" | "denied"): void;
  changeLists(): void;
  updateResource(uri: string): void;
}

interface Held {
  readonly approval: Approval;
  readonly operation: MemoryOperation;
  readonly args: JsonObject;
  readonly agent: string;
  state: "pending" | "approved" | "denied" | "used";
  readonly waiting: Set<() => void>;
}

/** A small broker in memory behind the port that the adapter uses: sessions, tools, approvals that people answer in tests. */
export function createMemorySurface(operations: readonly MemoryOperation[]): MemorySurface {
  const sessions = new Map<string, Session & { gone?: "session_revoked" | "token_expired" }>();
  const held = new Map<string, Held>();
  const listeners = new Set<() => void>();
  const subscribers = new Map<string, Set<(params: JsonObject) => void>>();
  const seen: MemorySurface["seen"] = [];
  const tickets: string[] = [];
  let broken = 0;

  function check({ token }: Presented): Session {
    const session = token === undefined ? undefined : sessions.get(token);
    if (session === undefined) throw new Refusal("unauthenticated", "the token is missing or unknown");
    if (session.gone !== undefined) throw new Refusal(session.gone, "the session is over", { next: [{ kind: "reauthenticate" }] });
    return session;
  }

  async function execute(
    operation: MemoryOperation,
    args: JsonObject,
    call: Omit<IncomingCall, "kind" | "name" | "args">,
  ): Promise<CallAnswer> {
    const callId = `call_${randomBytes(4).toString("hex")}`;
    try {
      const outcome = await operation.run(args, call.io, call);
      if (isAnswer(outcome)) return outcome;
      return { kind: "result", callId, body: outcome, hidden: [], masked: [], rowsRemoved: 0 };
    } catch (error) {
      if (error instanceof ToolError) return { kind: "tool_error", callId, code: error.code, message: error.message, data: error.data };
      return { kind: "unknown", callId, message: error instanceof Error ? error.message : "lost" };
    }
  }

  async function wait(entry: Held, call: Omit<IncomingCall, "kind" | "name" | "args">): Promise<CallAnswer> {
    if (entry.state === "pending") {
      call.patience.onHeld?.(entry.approval);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, call.patience.waitMs);
        const done = (): void => {
          clearTimeout(timer);
          resolve();
        };
        entry.waiting.add(done);
        call.io.signal.addEventListener("abort", done, { once: true });
      });
    }
    const callId = entry.approval.callId;
    if (call.io.signal.aborted) broken += 1;
    if (call.io.signal.aborted) return refused("cancelled", "the agent cancelled the call", callId);
    if (entry.state === "pending") return { kind: "pending", callId, approval: entry.approval };
    if (entry.state === "denied") return refused("approval_denied", "a person denied the call", callId);
    if (entry.state === "used") return refused("approval_used", "the approval was used already", callId);
    try {
      check(call.presented);
    } catch (error) {
      if (error instanceof Refusal) return refused(error.code, error.message, callId);
      throw error;
    }
    entry.state = "used";
    return execute(entry.operation, entry.args, call);
  }

  return {
    seen,
    tickets,
    broken: () => broken,
    allow(token, session = {}) {
      const now = Date.now();
      sessions.set(token, {
        ...PLAIN,
        id: `ses_${token}`,
        tenant: "acme",
        environment: "dev",
        workflow: "support",
        agent: "bailiwick://acme/dev/support/triage",
        user: "ada",
        task: "T-1",
        data: {},
        scope: ["*:*"],
        issuedAt: new Date(now),
        expiresAt: new Date(now + 300_000),
        ...session,
      });
    },
    revoke(token) {
      const session = sessions.get(token);
      if (session !== undefined) session.gone = "session_revoked";
    },
    expire(token) {
      const session = sessions.get(token);
      if (session !== undefined) session.gone = "token_expired";
    },
    answer(ticket, state) {
      const entry = held.get(ticket);
      if (entry === undefined) throw new Error(`no ticket ${ticket}`);
      entry.state = state;
      for (const done of entry.waiting) done();
    },
    changeLists() {
      for (const listener of listeners) listener();
    },
    updateResource(uri) {
      for (const listener of subscribers.get(uri) ?? []) listener({ uri });
    },
    session: async (presented) => check(presented),
    async handle(call) {
      seen.push({
        name: call.name,
        token: call.presented.token,
        statedReason: call.statedReason,
        traceparent: call.traceparent,
        peer: call.peer,
      });
      let session: Session;
      try {
        session = check(call.presented);
      } catch (error) {
        if (error instanceof Refusal) return refused(error.code, error.message, undefined);
        throw error;
      }
      const key = call.kind === "resource" ? "uri" : "name";
      const operation = operations.find((known) => known.kind === call.kind && known.entry[key] === call.name);
      if (operation === undefined) return refused("tool_unknown", `there is no \`${call.name}\``, undefined);
      if (!isObject(call.args)) return refused("malformed_request", "the arguments are no object", undefined);
      const args = call.args;
      if (operation.held !== true) return execute(operation, args, call);
      const known = [...held.values()].find(
        (entry) => entry.operation === operation && entry.agent === session.agent && JSON.stringify(entry.args) === JSON.stringify(args),
      );
      const entry = known ?? hold(operation, args, session);
      return wait(entry, call);
    },
    requestElevation: async () => refused("elevation_not_eligible", "no agent of this test may ask for anything", undefined),
    async resume(ticket, call) {
      seen.push({
        name: `ticket:${ticket}`,
        token: call.presented.token,
        statedReason: call.statedReason,
        traceparent: call.traceparent,
        peer: call.peer,
      });
      const entry = held.get(ticket);
      if (entry === undefined) return refused("approval_unknown", "there is no such ticket", undefined);
      try {
        check(call.presented);
      } catch (error) {
        if (error instanceof Refusal) return refused(error.code, error.message, undefined);
        throw error;
      }
      return wait(entry, call);
    },
    async list(presented) {
      check(presented);
      const pick = (kind: string, template = false): readonly JsonObject[] =>
        operations
          .filter((operation) => operation.kind === kind && "uriTemplate" in operation.entry === template)
          .map((operation) => operation.entry);
      return {
        tools: pick("tool"),
        resources: pick("resource"),
        resourceTemplates: pick("resource", true),
        prompts: pick("prompt"),
        capabilities: { completions: {}, logging: {}, resources: { subscribe: true } },
      };
    },
    async complete(presented, params) {
      check(presented);
      return { completion: { values: [`for ${JSON.stringify(params["argument"] ?? null)}`], hasMore: false } };
    },
    async subscribe(presented, uri, onUpdate) {
      check(presented);
      if (!operations.some((operation) => operation.entry["uri"] === uri)) throw new Refusal("no_grant", `\`${uri}\` is not yours to read`);
      const set = subscribers.get(uri) ?? new Set();
      subscribers.set(uri, set);
      set.add(onUpdate);
      return async () => void set.delete(onUpdate);
    },
    async setLogLevel(presented) {
      check(presented);
    },
    onListChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  function hold(operation: MemoryOperation, args: JsonObject, session: Session): Held {
    const id = `apr_${randomBytes(11).toString("hex")}`;
    const now = new Date();
    const approval: Approval = {
      id,
      tenant: session.tenant,
      environment: session.environment,
      callId: `call_${randomBytes(4).toString("hex")}`,
      agent: session.agent,
      user: session.user,
      session: session.id,
      actors: session.actors,
      run: session.run,
      task: session.task,
      operation: { tool: "memory", kind: operation.kind, name: String(operation.entry["name"] ?? operation.entry["uri"]) },
      scope: "memory:write",
      effect: "write",
      args,
      argsDigest: "sha256:0",
      fingerprint: "sha256:0",
      policyVersion: "sha256:0",
      diff: [],
      rules: [],
      approvers: ["support-lead"],
      terms: { count: 1, also: [], stepUp: false },
      reach: { records: 1, destinations: [] },
      origins: [],
      state: "pending",
      createdAt: now,
      expiresAt: new Date(now.getTime() + 3_600_000),
      answers: [],
    };
    const entry: Held = { approval, operation, args, agent: session.agent, state: "pending", waiting: new Set() };
    held.set(id, entry);
    tickets.push(id);
    return entry;
  }
}

function isAnswer(outcome: JsonObject | CallAnswer): outcome is CallAnswer {
  return "kind" in outcome && "callId" in outcome;
}

function refused(code: Refusal["code"], message: string, callId: string | undefined): CallAnswer {
  return { kind: "refused", callId, code, message, rules: [], next: [] };
}
