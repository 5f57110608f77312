import type { IntendOutcome, LogEntry } from "../../src/domain/audit.ts";
import type { Session } from "../../src/domain/session.ts";
import { PLAIN } from "../plain-session.ts";

/** A session that lives for the next four minutes. */
export function sessionOf(overrides: Partial<Session> & Pick<Session, "tenant" | "id">): Session {
  const now = Date.now();
  return {
    ...PLAIN,
    run: overrides.id,
    environment: "prod",
    workflow: "helpdesk",
    agent: `bailiwick://${overrides.tenant}/prod/helpdesk/support`,
    user: "ada",
    task: "ticket-4711",
    data: { ticket: 4711 },
    scope: ["tickets:*"],
    issuedAt: new Date(now - 1_000),
    expiresAt: new Date(now + 240_000),
    ...overrides,
  };
}

export function intentOf(callId: string, broker: string): LogEntry {
  return {
    kind: "intent",
    callId,
    body: { at: new Date().toISOString(), agent: "support", action: "tickets:update", tool: "tickets", verdict: "allow", broker },
  };
}

export function outcomeOf(callId: string, broker: string): LogEntry {
  return {
    kind: "outcome",
    callId,
    body: { at: new Date().toISOString(), agent: "support", action: "tickets:update", tool: "tickets", status: "ok", broker },
  };
}

export function refusalOf(why: Exclude<IntendOutcome, { ok: true }>): LogEntry {
  return { kind: "refusal", callId: "call_refused", body: { at: new Date().toISOString(), code: why.why } };
}
