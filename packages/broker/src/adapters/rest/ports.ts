import type { LogStatus } from "./log-status.ts";
import type { NotificationAccess } from "./notification-access.ts";
import type { TriedEdit } from "../../insight/try-edit.ts";
import type { LogVerification } from "../../insight/verify-log.ts";
import type { ToolReview } from "../../insight/tool-review.ts";
import type { OfferedOperation, ToolState } from "../../insight/tool-states.ts";
import type { Explanation, JsonObject, Operation, Policy } from "@bailiwick/policy";
import type { Approval, ApprovalStore } from "../../domain/approval.ts";
import type { AuditLog } from "../../domain/audit.ts";
import type { DutyStore } from "../../domain/duty.ts";
import type { Happenings } from "../../domain/happening.ts";
import type { ElevationStore } from "../../domain/elevation.ts";
import type { Erasure, LegalHolds, Retention } from "../../domain/erasure.ts";
import type { LogEvidence } from "../../domain/evidence.ts";
import type { CredentialKeeper } from "../../domain/credential-keeper.ts";
import type { HabitStore } from "../../domain/habits.ts";
import type { PolicyFolder } from "../../domain/policy-folder.ts";
import type { SavedSearches } from "../../domain/saved-search.ts";
import type { PersonSessionStore } from "../../domain/person.ts";
import type { SignInStore } from "../../domain/sign-in.ts";
import type { AgentKeyStore } from "../../domain/agent-key.ts";
import type { SessionStore } from "../../domain/session.ts";
import type { StopStore } from "../../domain/stop.ts";
import type { ToolAccess } from "../../domain/tool-access.ts";
import type { UndoPorts } from "../../insight/undo/undo-call.ts";

/** Everything the people's interface knows of the broker. */
export interface RestPorts {
  /** Version of this program, shown in status and in the OpenAPI document. */
  readonly version: string;
  /** The URL people open, without a trailing slash. */
  readonly publicUrl: string;
  /** Origins a browser may send from; `publicUrl`'s own is always among them. */
  readonly origins: readonly string[];
  /** SHA-256 (base64url) of the operator key. */
  readonly operatorKeyHash: string;
  now(): Date;
  /** Cryptographically random bytes. */
  random(bytes: number): Uint8Array;
  /** The policy in force. @throws when there is none. */
  policy(): Policy;
  /** The files of that policy, and what the folder holds that does not load. */
  policyFolder(): PolicyFolder;
  /** Names what `decide` would say to other arguments: SHA-256 over {tool, kind, name, args}, the digest permits are bound to. */
  argsDigest(operation: Operation, args: JsonObject): string;
  readonly people: PersonSessionStore;
  /** How people hear of what waits. */
  readonly notifications: NotificationAccess;
  readonly signIn: SignInStore;
  /** Value of an environment variable that the policy folder refers to as `${env:NAME}`. */
  environment(name: string): string | undefined;
  readonly approvals: Pick<ApprovalStore, "find" | "list" | "countPending" | "similar" | "answer" | "listBounded" | "revokeBounded">;
  readonly duties: DutyStore;
  /** What people who look at a page want to see at once. */
  readonly happenings: Happenings;
  /** What policy says of other arguments for a held call; undefined when what it was asked with is no longer known. */
  tryEdit(approval: Approval, args: JsonObject): Promise<TriedEdit | undefined>;
  readonly habits: HabitStore;
  readonly elevations: Pick<ElevationStore, "ask" | "find" | "list" | "active" | "answer" | "revoke">;
  readonly sessions: Pick<SessionStore, "find" | "list" | "revoke" | "endTask">;
  readonly stops: Pick<StopStore, "put" | "lift" | "list">;
  readonly agentKeys: Pick<AgentKeyStore, "add" | "list" | "sharedAttempts">;
  readonly credentials: CredentialKeeper;
  /** How people let the broker use tools' servers. */
  readonly toolAccess: ToolAccess;
  /** What signs agents' tokens. */
  readonly signingKeys: { rotate(): Promise<string> };
  readonly log: Pick<AuditLog, "append" | "query" | "calls" | "ended" | "figures" | "facts" | "read" | "recordsOf" | "inFlight" | "size">;
  /** Filters over calls that people keep. */
  readonly searches: SavedSearches;
  /** How the logs stand on this broker, beside their records. */
  logStatus(): LogStatus;
  readonly erasure: Erasure;
  readonly holds: LegalHolds;
  readonly retention: Retention;
  /** How long a tenant's records are kept at least, in milliseconds, when the configuration says it. */
  retentionOf(tenant: string): number | undefined;
  /** Proof over the logs, for whoever does not believe this broker. */
  readonly evidence: Omit<LogEvidence, "proveGrowth" | "cosigned">;
  /** The call path, as calls are taken back by it. */
  readonly undo: UndoPorts;
  /** Why a recorded call came out as it did; undefined when the tenant has no such call or it never reached a decision. */
  explain(tenant: string, callId: string): Promise<Explanation | undefined>;
  /** Checks the tenant's whole log. */
  verify(tenant: string): Promise<LogVerification>;
  /** State of the catalog as this broker last saw the upstreams; never connects. */
  tools(tenant: string): Promise<readonly ToolState[]>;
  /** One operation for a reviewer; undefined when the tenant's tools have none of that name. Never connects. */
  review(operation: Operation, tenant: string): Promise<ToolReview | undefined>;
  /** Connects to one tool of the policy folder and says what it offers now. @throws Fault `tool_unavailable` | `tool_timeout`. */
  inspect(tool: string, tenant: string): Promise<readonly OfferedOperation[]>;
  /** What must work before calls are let in; each rejects with a sentence when it does not. */
  readonly readiness: readonly { readonly name: string; check(): Promise<void> }[];
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Hears of failures that are ours, for the program's log. */
  onFault(error: unknown): void;
}
