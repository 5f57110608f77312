/** The tables that Kysely queries read and write; `migrations/` is what makes them. */
export interface Tables {
  readonly "bailiwick.records": RecordsTable;
  readonly "bailiwick.call_facts": CallFactsTable;
  readonly "bailiwick.sessions": SessionsTable;
  readonly "bailiwick.agent_keys": AgentKeysTable;
  readonly "bailiwick.client_assertions": ClientAssertionsTable;
  readonly "bailiwick.approvals": ApprovalsTable;
  readonly "bailiwick.tenant_keys": TenantKeysTable;
  readonly "bailiwick.credentials": CredentialsTable;
  readonly "bailiwick.login_codes": LoginCodesTable;
  readonly "bailiwick.person_sessions": PersonSessionsTable;
}

export interface RecordsTable {
  readonly tenant_id: string;
  readonly seq: number;
  readonly kind: string;
  readonly call_id: string;
  readonly body: string;
  readonly prev: string;
  readonly hash: string;
  readonly at: string;
  readonly agent: string | null;
  readonly user_id: string | null;
  readonly session: string | null;
  readonly task: string | null;
  readonly tool: string | null;
  readonly action: string | null;
  readonly verdict: string | null;
  readonly status: string | null;
  readonly code: string | null;
  readonly broker: string | null;
}

export interface CallFactsTable {
  readonly tenant_id: string;
  readonly seq: number;
  readonly call_id: string;
  readonly salt: string;
  readonly facts: string;
}

export interface SessionsTable {
  readonly tenant_id: string;
  readonly id: string;
  readonly environment: string;
  readonly workflow: string;
  readonly agent: string;
  readonly user_id: string;
  readonly task: string;
  /** JSON texts: jsonb would refuse U+0000. */
  readonly data: string;
  readonly scope: string;
  readonly issued_at: Date;
  readonly expires_at: Date;
  readonly revoked_at: Date | null;
  readonly revoked_by: string | null;
}

export interface AgentKeysTable {
  readonly tenant_id: string;
  readonly agent: string;
  readonly thumbprint: string;
  readonly public_jwk: string;
  readonly status: "active" | "retired";
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
  readonly user_id: string;
  readonly task: string;
  readonly tool: string;
  readonly operation_kind: string;
  readonly operation_name: string;
  readonly args_digest: string;
  readonly state: "pending" | "approved" | "denied" | "expired" | "cancelled" | "used";
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly ask: string;
  readonly answer: string | null;
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
}

export interface LoginCodesTable {
  readonly tenant_id: string;
  readonly hash: string;
  readonly person: string;
  readonly via: "login-link" | "operator-key";
  readonly expires_at: Date;
  readonly redeemed_at: Date | null;
}

export interface PersonSessionsTable {
  readonly tenant_id: string;
  readonly token_hash: string;
  readonly person: string;
  readonly via: "login-link" | "operator-key";
  readonly expires_at: Date;
}
