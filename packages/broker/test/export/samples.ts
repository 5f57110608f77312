import { generateKeyPairSync } from "node:crypto";
import { canonicalize, formatNoteKey, keyChangeRecord, noteKey } from "@bailiwick/ledger";
import type { JsonObject } from "@bailiwick/policy";
import type { AdminEvent } from "../../src/domain/admin-record.ts";
import type { RecordKind, StoredRecord } from "../../src/domain/audit.ts";
import type { ExportSource } from "../../src/insight/export/source.ts";

export const SOURCE: ExportSource = { version: "0.1.0", host: "broker.example" };
export const ADA = "sub_AAAAAAAAAAAAAAAAAAAAAA";
export const BOB = "sub_BBBBBBBBBBBBBBBBBBBBBB";
export const AGENT = "bailiwick://acme/prod/support/triage";
export const AT = "2026-11-26T17:00:00.123Z";

/** A record as the log gives it. */
export function stored(index: number, kind: RecordKind, leaf: JsonObject, people: Readonly<Record<string, string>> = {}): StoredRecord {
  const callId = typeof leaf["call"] === "string" ? leaf["call"] : "";
  return { tenant: "acme", index, kind, callId, at: AT, text: canonicalize(leaf), people };
}

const SESSION: JsonObject = {
  v: 1,
  at: AT,
  call: "call_1",
  broker: "broker-1",
  tenant: "acme",
  environment: "prod",
  workflow: "support",
  agent: AGENT,
  user: ADA,
  userProof: "asserted",
  session: "ses_1",
  run: "r-1",
  binding: "dpop",
  lineage: ["ses_0"],
  actors: ["planner"],
  task: "TTTTTTTTTTTTTTTTTTTTTT",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

export const DECIDED: JsonObject = {
  ...SESSION,
  tool: "helpdesk",
  operation: "close_ticket",
  action: "tickets:close",
  effect: "write",
  fingerprint: "sha256:ab",
  argsDigest: "hmac-sha256:cd",
  resource: { type: "Ticket", tag: "RRRRRRRRRRRRRRRRRRRRRR" },
  verdict: "allow",
  rules: [{ kind: "grant", id: "close-own", file: "grants/support.yaml", line: 12 }],
  policyVersion: "sha256:0123",
  obligations: [{ kind: "mask", fields: ["email"] }],
  limits: [{ key: "calls", amount: 1 }],
  facts: { args: "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC" },
};

const OUTCOME: JsonObject = {
  ...DECIDED,
  kind: "outcome",
  durationMs: 12.5,
  upstreamMs: 9,
  credential: { name: "helpdesk-key", version: 3 },
  hidden: [],
  masked: [],
  rowsRemoved: 0,
  records: 1,
  cost: 0.5,
};

function outcome(status: string, more: JsonObject = {}): readonly [RecordKind, JsonObject] {
  return ["outcome", { ...OUTCOME, status, ...more }];
}

/** Every kind of record of a call, and what it may look like. */
export const CALL_RECORDS: Readonly<Record<string, readonly [RecordKind, JsonObject]>> = {
  lookup: ["lookup", { ...DECIDED, kind: "lookup" }],
  intent: ["intent", { ...DECIDED, kind: "intent" }],
  "intent after an approval": ["intent", { ...DECIDED, kind: "intent", approval: "apr_1", approvedBy: BOB }],
  hold: ["hold", { ...DECIDED, kind: "hold", verdict: "ask", approval: "apr_1" }],
  refusal: ["refusal", { ...DECIDED, kind: "refusal", verdict: "deny", code: "resource_forbidden" }],
  "refusal of nobody known": [
    "refusal",
    { v: 1, kind: "refusal", at: AT, call: "call_2", tenant: "acme", broker: "broker-1", code: "unauthenticated" },
  ],
  "refusal of a replayed proof": ["refusal", { ...SESSION, kind: "refusal", code: "proof_replayed" }],
  succeeded: outcome("succeeded"),
  "succeeded with a mask": outcome("succeeded", { masked: ["email"] }),
  failed: outcome("failed"),
  "not sent": outcome("not_sent", { code: "tool_unavailable" }),
  withheld: outcome("withheld", { code: "budget_spent" }),
  unknown: outcome("unknown"),
};

/** Events that the store and the log's evidence write beside those of `adminRecord`, and alarms that have a name already. */
type OtherEvent = "log.was_unavailable" | "log.rotate_key" | "log.export" | "agent.shared_key" | "anchor.conflict";

/** Every admin event there is, with members as their places in the code write them. */
export const ADMIN_RECORDS: Readonly<Record<AdminEvent | OtherEvent, JsonObject>> = {
  "session.create": {
    by: AGENT,
    agent: AGENT,
    user: ADA,
    session: "ses_1",
    scope: ["tickets:read"],
    expiresAt: "2026-11-26T17:15:00.000Z",
  },
  "session.revoke": { by: BOB, agent: AGENT, user: ADA, session: "ses_1", via: "passkey" },
  "session.revoked": { by: BOB, agent: AGENT, user: ADA, session: "ses_1", ended: ["ses_1"], inFlight: [] },
  "oauth.consent": { by: ADA, user: ADA, agent: AGENT, client: "c-1", scope: ["tickets:read"] },
  "oauth.register_client": { by: "anonymous", client: "c-1" },
  "token.replay": { by: AGENT, agent: AGENT },
  "call.undo": { by: BOB, agent: AGENT, user: ADA, session: "ses_2", undo: "call_2", via: "passkey" },
  "assertion.replay": { by: "https://partner.example", partner: "partner" },
  "approval.approve": { by: BOB, approval: "apr_1", agent: AGENT, user: ADA, session: "ses_1" },
  "approval.deny": { by: BOB, approval: "apr_1", agent: AGENT, user: ADA, session: "ses_1" },
  "approval.drill": { by: BOB, approval: "apr_1", agent: AGENT, user: ADA, verdict: "approve" },
  "approval.revoke_bounded": { by: BOB, approval: "apr_1", agent: AGENT, user: ADA, session: "ses_1" },
  "approval.stop": { by: BOB, approval: "apr_1", agent: AGENT, user: ADA, session: "ses_1" },
  "duty.put": { by: ADA, person: BOB, duty: "dty_1" },
  "duty.revoke": { by: ADA, person: BOB, duty: "dty_1" },
  "elevation.ask": { by: AGENT, elevation: "elv_1", agent: AGENT, user: ADA, role: "refunds" },
  "elevation.approve": { by: BOB, elevation: "elv_1", agent: AGENT, user: ADA, role: "refunds" },
  "elevation.deny": { by: BOB, elevation: "elv_1", agent: AGENT, user: ADA, role: "refunds" },
  "elevation.end": { by: "broker", elevation: "elv_1", agent: AGENT, role: "refunds" },
  "elevation.revoke": { by: BOB, elevation: "elv_1", agent: AGENT, role: "refunds" },
  "notification.dead": { by: "broker", notification: "ntf_1", channel: "email" },
  "notification.subscribe": { by: BOB, channel: "webpush" },
  "approval.answer_too_late": { by: BOB, approval: "apr_1", state: "expired" },
  "agent.add_key": { by: "operator", agent: AGENT, thumbprint: "abc" },
  "agent.retire_key": { by: "operator", agent: AGENT, thumbprint: "abc" },
  "agent.retire_key_later": { by: "operator", agent: AGENT, thumbprint: "abc", retiresAt: AT },
  "agent.shared_key": { by: AGENT, agent: AGENT, thumbprint: "abc" },
  "credential.put": { by: BOB, credential: "helpdesk-key", version: 1 },
  "credential.stage": { by: "broker", credential: "helpdesk-key" },
  "credential.verify": { by: "broker", credential: "helpdesk-key" },
  "credential.activate": { by: "broker", credential: "helpdesk-key" },
  "credential.revoke": { by: "broker", credential: "helpdesk-key" },
  "credential.rotate_failed": { by: "broker", credential: "helpdesk-key" },
  "federation.out": { by: "broker", partner: "partner", agent: AGENT },
  "person.invited": { by: "operator", person: BOB },
  "person.enrolled": { by: BOB, person: BOB },
  "person.login_link": { by: "operator", person: BOB },
  "person.passkey_added": { by: BOB, person: BOB },
  "person.passkey_kept": { by: BOB, person: BOB },
  "person.passkey_removed": { by: BOB, person: BOB },
  "person.passkey_suspect": { by: "broker", person: BOB },
  "person.recovery_codes_made": { by: BOB, person: BOB },
  "person.session_ended": { by: BOB, person: BOB },
  "person.signed_in": { by: BOB, person: BOB, via: "passkey" },
  "person.signed_out": { by: BOB, person: BOB },
  "person.signed_out_everywhere": { by: BOB, person: BOB },
  "person.sso_linked": { by: BOB, person: BOB },
  "person.sso_linking": { by: BOB, person: BOB },
  "signing_key.rotate": { by: "operator" },
  "stop.put": { by: BOB, stop: "agent", name: AGENT, agent: AGENT },
  "stop.stands": { by: BOB, stop: "agent", name: AGENT, agent: AGENT },
  "stop.lift": { by: BOB, stop: "tenant", name: "acme" },
  "task.end": { by: BOB, task: "TTTTTTTTTTTTTTTTTTTTTT" },
  "task.ended": { by: BOB, task: "TTTTTTTTTTTTTTTTTTTTTT", ended: ["ses_1"] },
  "tool.connect": { by: BOB, tool: "helpdesk" },
  "tool.token": { by: "broker", tool: "helpdesk", credential: "helpdesk-token", version: 2 },
  "policy.activate": { by: BOB, policyVersion: "sha256:0123" },
  "search.save": { by: BOB, name: "refusals of today" },
  "search.remove": { by: BOB, name: "refusals of today" },
  "log.read": { by: BOB },
  "log.export": { by: "operator" },
  "log.rotate_key": { by: "operator" },
  "hold.put": { by: BOB, name: "case-7" },
  "hold.lift": { by: BOB, name: "case-7" },
  "oauth.consent_denied": { by: ADA, user: ADA, agent: AGENT, client: "c-1", scope: ["tickets:read"] },
  "sign_in.recovery_refused": { by: "anonymous", person: BOB },
  "subject.erase": { by: BOB, person: ADA },
  "resource.erase": { by: BOB, resource: { type: "Ticket", tag: "RRRRRRRRRRRRRRRRRRRRRR" } },
  "log.retire": { by: "broker", size: 10 },
  "log.was_unavailable": { by: "broker", refused: 4, since: AT },
  "anchor.conflict": { by: "broker", anchor: "file /mnt/other" },
};

/** All of them as records of one log. */
export function everyRecord(): readonly StoredRecord[] {
  const calls = Object.values(CALL_RECORDS).map(([kind, leaf]) => ({ kind, leaf }));
  const admin = Object.entries(ADMIN_RECORDS).map(([event, leaf]) => ({
    kind: "admin" as const,
    leaf: { v: 1, kind: "admin", at: AT, tenant: "acme", call: "adm_1", event, ...leaf },
  }));
  const records = [...calls, ...admin].map(({ kind, leaf }, index) => stored(index, kind, leaf));
  return [...records, keyRecord(records.length)];
}

/** A change of the log's keys, exactly as the ledger writes it. */
function keyRecord(index: number): StoredRecord {
  const key = noteKey("log.example/log/acme", generatedKey());
  const text = keyChangeRecord({ change: "introduce", key });
  if (!text.includes(formatNoteKey(key))) throw new Error("the record does not hold the key");
  return { tenant: "acme", index, kind: "key", callId: "", at: AT, text, people: {} };
}

function generatedKey(): Uint8Array {
  const { x } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  return Buffer.from(x ?? "", "base64url");
}
