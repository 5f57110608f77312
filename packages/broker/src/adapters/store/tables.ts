import type { OAuthTables } from "./oauth-tables.ts";
import type { PeopleTables } from "./people-tables.ts";

/** The tables that Kysely queries read and write; `migrations/` is what makes them. */
export interface Tables extends PeopleTables, OAuthTables {
  readonly "bailiwick.records": RecordsTable;
  readonly "bailiwick.sessions": SessionsTable;
  readonly "bailiwick.runs": RunsTable;
  readonly "bailiwick.agent_keys": AgentKeysTable;
  readonly "bailiwick.shared_keys": SharedKeysTable;
  readonly "bailiwick.stops": StopsTable;
  readonly "bailiwick.used_proofs": UsedProofsTable;
  readonly "bailiwick.client_assertions": ClientAssertionsTable;
  readonly "bailiwick.approvals": ApprovalsTable;
  readonly "bailiwick.approval_answers": ApprovalAnswersTable;
  readonly "bailiwick.bounded_approvals": BoundedApprovalsTable;
  readonly "bailiwick.elevations": ElevationsTable;
  readonly "bailiwick.tenant_keys": TenantKeysTable;
  readonly "bailiwick.credentials": CredentialsTable;
}

export interface RecordsTable {
  readonly tenant_id: string;
  readonly index: number;
  readonly kind: string;
  readonly call_id: string;
  readonly leaf: string;
}

export interface SessionsTable {
  readonly tenant_id: string;
  readonly id: string;
  readonly environment: string;
  readonly workflow: string;
  readonly agent: string;
  /** A pseudonym. */
  readonly subject: string;
  readonly run: string;
  /** A tag. */
  readonly task: string;
  readonly user_proof: "asserted" | "signed-in" | "partner";
  readonly limits: string;
  readonly grant_kind: "client_credentials" | "authorization_code" | "token_exchange" | "jwt_bearer" | "undo";
  readonly binding: "bearer" | "dpop" | "mtls" | "hmac";
  readonly thumbprint: string | null;
  readonly client: string | null;
  readonly lineage: string[];
  readonly partner: string | null;
  readonly partner_version: string | null;
  readonly issued_at: Date;
  readonly expires_at: Date;
  readonly revoked_at: Date | null;
  /** Under the subject's key. */
  readonly sealed: Buffer;
}

export interface RunsTable {
  readonly tenant_id: string;
  readonly run: string;
  readonly agent: string;
  readonly at: Date;
}

export interface StopsTable {
  readonly tenant_id: string;
  readonly kind: "agent" | "workflow" | "tenant" | "everything";
  readonly name: string;
  readonly state: "suspended" | "retired";
  readonly by_whom: string;
  readonly reason: string;
  readonly at: Date;
}

export interface SharedKeysTable {
  readonly tenant_id: string;
  readonly agent: string;
  readonly thumbprint: string;
  readonly at: Date;
}

export interface UsedProofsTable {
  readonly tenant_id: string;
  readonly id: string;
  readonly until: Date;
}

export interface AgentKeysTable {
  readonly tenant_id: string;
  readonly agent: string;
  readonly thumbprint: string;
  readonly public_jwk: string;
  readonly status: "active" | "retired";
  readonly added_at: Date;
  readonly retires_at: Date | null;
}

export interface ClientAssertionsTable {
  readonly tenant_id: string;
  readonly agent: string;
  readonly jti: string;
  readonly expires_at: Date;
}

export interface ApprovalsTable {
  readonly tenant_id: string;
  readonly id: string;
  readonly agent: string;
  /** A pseudonym. */
  readonly subject: string;
  /** Tags: of the task, of operation and arguments, of the record. */
  readonly task: string;
  readonly asked: string;
  readonly resource: string | null;
  readonly state: "pending" | "approved" | "denied" | "expired" | "cancelled" | "used";
  readonly environment: string;
  readonly rule: string;
  /** A tag. */
  readonly shape: string;
  readonly drill: boolean;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly answered: number;
  readonly decided_at: Date | null;
  readonly end_said: boolean;
  readonly end_taken_until: Date | null;
  /** Both under the subject's key. */
  readonly ask: Buffer;
  readonly answers: Buffer | null;
}

export interface ApprovalAnswersTable {
  readonly tenant_id: string;
  readonly approval: string;
  /** A pseudonym. */
  readonly person: string;
  readonly verdict: "approve" | "deny";
  readonly at: Date;
}

export interface BoundedApprovalsTable {
  readonly tenant_id: string;
  readonly id: string;
  readonly agent: string;
  readonly subject: string;
  /** A tag. */
  readonly operation: string;
  readonly uses_left: number;
  readonly until: Date;
  readonly revoked_at: Date | null;
  readonly sealed: Buffer;
}

export interface ElevationsTable {
  readonly tenant_id: string;
  readonly id: string;
  readonly agent: string;
  /** A pseudonym. */
  readonly subject: string;
  readonly role: string;
  readonly state: "pending" | "active" | "denied" | "revoked" | "cancelled";
  readonly created_at: Date;
  readonly ask_ends_at: Date;
  readonly answered: number;
  readonly scope: string[] | null;
  /** A tag. */
  readonly task: string | null;
  readonly active_from: Date | null;
  readonly active_until: Date | null;
  /** Both under the subject's key. */
  readonly ask: Buffer;
  readonly answers: Buffer | null;
}

export interface TenantKeysTable {
  readonly tenant_id: string;
  readonly wrapped: Buffer;
}

export interface CredentialsTable {
  readonly tenant_id: string;
  readonly environment: string;
  readonly workflow: string;
  readonly name: string;
  readonly version: number;
  readonly hosts: string;
  readonly wrapped_key: Buffer;
  readonly sealed: Buffer;
  readonly created_at: Date;
  readonly state: "pending" | "active" | "previous" | "revoked";
  readonly origin: "person" | "rotation";
  readonly verification: "verified" | "skipped" | "initial" | null;
  readonly activated_at: Date | null;
  readonly grace_until: Date | null;
  readonly state_seal: Buffer | null;
}
