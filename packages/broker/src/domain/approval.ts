import type { ApprovalTerms, JsonObject, Json, Operation, RuleRef } from "@bailiwick/policy";
import type { Via } from "./person.ts";
import type { Receipt } from "./receipt.ts";
import type { Undoing } from "./undo.ts";

/** One field of a before/after diff. */
export interface FieldChange {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/**
 * People's answer to one held call. Legal transitions:
 * pending -> approved | denied | expired | cancelled; approved -> used | expired | cancelled.
 */
export type ApprovalState = "pending" | "approved" | "denied" | "expired" | "cancelled" | "used";

/** Why a yes that stood, or a question that waited, no longer holds for the call. */
export type Staleness = "policy" | "record" | "tool" | "approvers";

/** Which values of one argument a yes to several calls covers. An argument that is not named must be exactly the one approved. */
export type ArgumentBound =
  | { readonly any: true }
  | { readonly min?: number | undefined; readonly max: number }
  | { readonly in: readonly Json[] };

/** A yes to several calls: how many, until when, of which session or task, with which arguments. */
export interface ApprovalBounds {
  readonly uses: number;
  readonly until: Date;
  /** `session`: calls of the session that asked. `task`: calls of the same agent for the same user and task. */
  readonly within: "session" | "task";
  /** By name of a top-level argument. */
  readonly args: Readonly<Record<string, ArgumentBound>>;
}

/** One person's answer. */
export interface ApprovalAnswer {
  readonly verdict: "approve" | "deny";
  /** Id of the person. */
  readonly by: string;
  readonly at: Date;
  readonly via: Via;
  /** Roles that made it theirs to answer, at that time. */
  readonly roles: readonly string[];
  /** Whose duty they did, when the roles are another's. */
  readonly onDutyFor?: string | undefined;
  readonly reason?: string | undefined;
  /** Present when other arguments than asked were approved; the path decides again over these. */
  readonly args?: JsonObject | undefined;
  readonly argsDigest?: string | undefined;
  readonly bounds?: ApprovalBounds | undefined;
  /** Present when the yes was signed with a passkey. */
  readonly receipt?: Receipt | undefined;
}

/** What a call would reach, as far as it can be told before it runs. */
export interface Reach {
  readonly records: number;
  /** In the catalog's currency unit. */
  readonly cost?: number | undefined;
  /** Values of the arguments that say where something goes. */
  readonly destinations: readonly { readonly argument: string; readonly value: string; readonly external: boolean }[];
  /** The action that takes it back, when the catalog names one. */
  readonly undo?: string | undefined;
}

/** Where the value of an argument that matters was seen first, as far as this broker saw the run. */
export interface ArgumentOrigin {
  readonly argument: string;
  /**
   * `user`: in the session's task or data. `result`: in what a tool answered in this run. `agent`: nowhere before, so the agent made it up or
   * knows it from elsewhere.
   */
  readonly from: "user" | "result" | "agent";
  /** Of `result`: the call, its action, and whether the catalog calls that field untrusted. */
  readonly callId?: string | undefined;
  readonly action?: string | undefined;
  readonly untrusted?: boolean | undefined;
}

/**
 * What is asked of people. Binds agent, user, task, tool fingerprint, arguments' digest, record version and policy version;
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
  /** Names of whoever delegated the call, the latest first: their owners do not answer it either. */
  readonly actors: readonly string[];
  readonly run: string;
  readonly task: string;
  /** The call that this one takes back, and who had that asked: they do not answer it. */
  readonly undo?: Undoing | undefined;
  readonly operation: Operation;
  readonly scope: string;
  readonly effect: string;
  readonly args: JsonObject;
  readonly argsDigest: string;
  readonly fingerprint: string;
  readonly policyVersion: string;
  readonly resource?: { readonly type: string; readonly id: string; readonly digest: string } | undefined;
  readonly diff: readonly FieldChange[];
  readonly reach: Reach;
  readonly origins: readonly ArgumentOrigin[];
  /** In the agent's own words: untrusted text, shown as such. */
  readonly statedReason?: string | undefined;
  readonly rules: readonly RuleRef[];
  /** Roles that are asked first. */
  readonly approvers: readonly string[];
  readonly terms: ApprovalTerms;
  /** The question before this one, and what has changed since: people see the difference. */
  readonly supersedes?:
    | { readonly id: string; readonly because: readonly Staleness[]; readonly changes: readonly FieldChange[] }
    | undefined;
  /** A hold that was sown to see whether people look: it must be denied, and its call never runs. */
  readonly drill?: true | undefined;
  readonly state: ApprovalState;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** In their order; a yes counts while it is to the same arguments and bounds as the last one. */
  readonly answers: readonly ApprovalAnswer[];
}

/** A standing yes to several calls, made from an approval. Its id is the approval's. */
export interface BoundedApproval {
  readonly approval: Approval;
  readonly bounds: ApprovalBounds;
  /** The arguments that were approved; those without a bound must be these. */
  readonly args: JsonObject;
  readonly usesLeft: number;
  readonly revokedAt?: Date | undefined;
}

export type AnswerOutcome =
  | { readonly ok: true; readonly approval: Approval }
  /** `changed`: others answered since `seen`; look again. */
  | { readonly ok: false; readonly why: "ended" | "changed"; readonly state: ApprovalState };

/** Which approvals. Newest first, or those that end soonest first. */
export interface ApprovalQuery {
  readonly state?: ApprovalState | undefined;
  readonly agent?: string | undefined;
  /** Id of a rule that asked. */
  readonly rule?: string | undefined;
  readonly order: "newest" | "soonest";
  /** The last page's `next`. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface ApprovalPage {
  readonly approvals: readonly Approval[];
  readonly next?: string | undefined;
}

/** What became of questions of one shape in the last 30 days. */
export interface SimilarApprovals {
  readonly approved: number;
  readonly denied: number;
  readonly expired: number;
  readonly medianMs?: number | undefined;
  /** The latest answered ones. */
  readonly recent: readonly Approval[];
}

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
  list(tenant: string, query: ApprovalQuery): Promise<ApprovalPage>;
  /** How many are pending now, of all agents or of one. */
  countPending(tenant: string, agent?: string): Promise<number>;
  similar(approval: Approval, limit: number): Promise<SimilarApprovals>;
  /**
   * Adds an answer to a pending approval and sets what state it is in then. `seen` is how many answers there were when it was made: with others
   * meanwhile it is refused. A person answers once.
   */
  answer(
    tenant: string,
    id: string,
    given: { readonly answer: ApprovalAnswer; readonly seen: number; readonly state: "pending" | "approved" | "denied" },
  ): Promise<AnswerOutcome>;
  /** pending or approved -> cancelled. False when it was neither. */
  cancel(tenant: string, id: string): Promise<boolean>;
  /** Standing yeses of this agent, user and operation that have uses left and are in time. */
  bounded(key: {
    readonly tenant: string;
    readonly agent: string;
    readonly user: string;
    readonly operation: Operation;
  }): Promise<readonly BoundedApproval[]>;
  listBounded(tenant: string): Promise<readonly BoundedApproval[]>;
  /** False when there is none in force. */
  revokeBounded(tenant: string, id: string, at: Date): Promise<boolean>;
  /**
   * Ended without a run and not yet said so in the log: each is given to one asker, and to another when it was not `saidEnded` within a minute. One
   * whose yes was used is not among them: its call went on as another one.
   */
  takeEnded(tenant: string, limit: number): Promise<readonly Approval[]>;
  /** The log says how its call ended. */
  saidEnded(tenant: string, id: string): Promise<void>;
  /** Resolves when the approval is no longer pending, or undefined at the deadline or on abort. Hears answers given on other brokers too. */
  wait(tenant: string, id: string, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<Approval | undefined>;
}
