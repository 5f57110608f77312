import type { JsonObject, Operation, RuleRef } from "@bailiwick/policy";

/** One field of a before/after diff, as the approver may see it. */
export interface FieldChange {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/**
 * A person's answer to one held call. Legal transitions:
 * pending -> approved | denied | expired | cancelled; approved -> used | expired.
 */
export type ApprovalState = "pending" | "approved" | "denied" | "expired" | "cancelled" | "used";

/**
 * What is asked of a person. Binds agent, user, task, tool fingerprint, arguments' digest, record version and policy version;
 * single-use. It outlives the session that asked, because sessions are shorter than people.
 */
export interface Approval {
  /** Also the agent's ticket. `apr_` and 22 characters. */
  readonly id: string;
  readonly tenant: string;
  readonly environment: string;
  readonly callId: string;
  readonly agent: string;
  readonly user: string;
  readonly session: string;
  readonly task: string;
  readonly operation: Operation;
  readonly scope: string;
  readonly effect: string;
  readonly args: JsonObject;
  readonly argsDigest: string;
  readonly fingerprint: string;
  readonly policyVersion: string;
  readonly resource?: { readonly type: string; readonly id: string; readonly digest: string } | undefined;
  readonly diff: readonly FieldChange[];
  /** In the agent's own words: untrusted text, shown as such. */
  readonly statedReason?: string | undefined;
  readonly rules: readonly RuleRef[];
  readonly approvers: readonly string[];
  readonly state: ApprovalState;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly answer?:
    | {
        readonly by: string;
        readonly at: Date;
        readonly reason?: string | undefined;
        /** Present when the person approved other arguments than asked; the path decides again over these. */
        readonly args?: JsonObject | undefined;
        readonly argsDigest?: string | undefined;
      }
    | undefined;
}

export type AnswerOutcome = { readonly ok: true; readonly approval: Approval } | { readonly ok: false; readonly state: ApprovalState };

export interface ApprovalStore {
  create(approval: Approval): Promise<void>;
  find(tenant: string, id: string): Promise<Approval | undefined>;
  /** The newest approval of this agent, user and task for the same operation and arguments that is pending, approved and unused, or denied; expired ones are not returned. */
  findFor(key: {
    readonly tenant: string;
    readonly agent: string;
    readonly user: string;
    readonly task: string;
    readonly operation: Operation;
    readonly argsDigest: string;
  }): Promise<Approval | undefined>;
  list(tenant: string, options: { readonly state?: ApprovalState | undefined; readonly limit: number }): Promise<readonly Approval[]>;
  /** Answers a pending approval; first answer wins. */
  answer(
    tenant: string,
    id: string,
    answer: NonNullable<Approval["answer"]> & { readonly state: "approved" | "denied" },
  ): Promise<AnswerOutcome>;
  /** approved -> used, once. Returns false when it was used, expired or never approved. */
  use(tenant: string, id: string, now: Date): Promise<boolean>;
  /** Resolves when the approval is no longer pending, or undefined at the deadline or on abort. Hears answers given on other brokers too. */
  wait(tenant: string, id: string, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<Approval | undefined>;
}
