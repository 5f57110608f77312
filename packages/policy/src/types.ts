import type { ApprovalTerms } from "./approval-terms.ts";
import type { ContentDemand } from "./content-rules.ts";
import type { CatalogTool, Effect, Operation, Span } from "./catalog-types.ts";
import type { Json, JsonObject } from "./json.ts";
import type { LimitUnit } from "./rules/limits.ts";

export type * from "./catalog-types.ts";

/** What the policy says of a call: go ahead, ask a person first, or no. */
export type Verdict = "allow" | "ask" | "deny";

/** A finding about the policy files. Every diagnostic says what is wrong, why it matters and what to write instead. */
export interface Diagnostic {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly at: Span;
  readonly what: string;
  readonly why: string;
  readonly write: string;
}

/** A rule that determined a decision. `builtin` rules (tenant isolation, deny by default) point into the documentation. */
export interface RuleRef {
  readonly kind: "grant" | "deny" | "gate" | "ceiling" | "builtin";
  readonly id: string;
  readonly at: Span;
  readonly reason: string;
}

/** How people must answer before the call may run. `by` lists roles of people; any one of them suffices. */
export interface ApprovalDemand extends ApprovalTerms {
  readonly by: readonly string[];
  readonly expiresMs: number;
  readonly rules: readonly RuleRef[];
}

/** A right that an agent does not have and may ask for, for a time. */
export interface Eligible {
  readonly role: string;
  /** The longest time it is given for. */
  readonly mostMs: number;
  /** Why it may be needed, in words of the policy's author. */
  readonly reason: string;
  readonly approve: ApprovalTerms & { readonly by: readonly string[]; readonly expiresMs: number };
  readonly at: Span;
}

/** A right given for a time: the grants and denies of `role` count as the agent's, within `scope`, until then. */
export interface ActiveElevation {
  readonly id: string;
  readonly role: string;
  /** Scopes it was narrowed to. Empty: all of the role. */
  readonly scope: readonly string[];
  readonly until: Date;
}

/** A counter the call draws from: at most `max` within `windowMs`; this call takes `amount`. */
export interface LimitDemand {
  readonly key: string;
  /** `running`: held while the call runs. `repeats`: counted apart for each run and each list of arguments, which whoever counts adds to the key. */
  readonly unit: LimitUnit;
  readonly max: number;
  /** 0 for what is held while the call runs; `CALENDAR_MONTH_MS` for the calendar's month. */
  readonly windowMs: number;
  readonly amount: number;
  readonly rule: RuleRef;
}

/**
 * How a masked value looks: `redact` hides all, `partial` keeps the last four characters (the domain of an e-mail), `hash` a short digest,
 * `token` a name such as `{email-1}` that stands for the value within the session.
 */
export type Mask = "redact" | "partial" | "hash" | "token";

/** A machine-readable hint at what the agent can do about a refusal. */
export type NextStep =
  | { readonly kind: "request_approval"; readonly ticket: string; readonly url: string }
  | { readonly kind: "request_elevation"; readonly scope: string }
  | { readonly kind: "narrow"; readonly field: string; readonly allowed: readonly Json[] }
  | { readonly kind: "retry_after"; readonly ms: number }
  | { readonly kind: "use_instead"; readonly action: string }
  /** `scope`: what the new session must cover. */
  | { readonly kind: "reauthenticate"; readonly scope?: string }
  | { readonly kind: "ask_owner"; readonly owner: string; readonly text: string };

/** Why the policy refuses; a subset of the broker's closed list of refusal codes. */
export type PolicyRefusalCode =
  | "no_grant"
  | "denied_by_rule"
  | "outside_ceiling"
  | "outside_session_scope"
  | "outside_delegation"
  | "row_not_permitted"
  | "field_not_permitted"
  | "cross_tenant"
  | "records_exceeded"
  | "outside_hours"
  | "argument_invalid"
  | "rule_error";

export interface PolicyRefusal {
  readonly code: PolicyRefusalCode;
  readonly message: string;
  readonly next: readonly NextStep[];
}

/**
 * The answer of the policy to one call.
 * `grants` names the grants whose rows and fields apply to results (see `present`).
 * INVARIANT: `refusal` is present exactly when `verdict` is `deny`; `approve` exactly when it is `ask`.
 */
export interface Decision {
  readonly verdict: Verdict;
  readonly scope: string;
  readonly effect: Effect;
  readonly rules: readonly RuleRef[];
  readonly policyVersion: string;
  readonly grants: readonly string[];
  readonly approve?: ApprovalDemand;
  readonly limits: readonly LimitDemand[];
  /** What the texts of arguments and results have to be like. These rules are named here, and among `rules` only for what else they say. Absent: anything. */
  readonly content?: readonly ContentDemand[] | undefined;
  /** The most records one result may hold after filtering. */
  readonly maxRecords: number;
  /** More records than this in the result are shown only when people said yes to the call. Absent: any number. */
  readonly asksOver?: { readonly records: number; readonly rules: readonly RuleRef[] };
  readonly refusal?: PolicyRefusal;
  /** What this call draws from budgets that count records or cost. Present exactly when the verdict is not `deny`. */
  readonly amounts?: { readonly records: number; readonly cost: number };
  /** Ids of the elevations without which this would have been refused, or come out under other grants or demands. Absent: none. */
  readonly elevations?: readonly string[];
  /** Present when the caller acts under a delegation: what its delegator would be told, asked the same. Its rows and fields bound what is shown. */
  readonly delegator?: { readonly request: DecisionRequest; readonly decision: Decision };
}

/**
 * Which records of some types a session may touch or see: by type, by dotted field path, the values that field may have. All fields named
 * for a type must fit; types that are not named are not bounded. `{ Ticket: { id: ["T-17"] } }` is the session for one ticket.
 */
export type RowBound = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Who is calling, for whom, for what: the session as policy sees it. */
export interface Caller {
  readonly agent: string;
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
  readonly user: string;
  readonly session: string;
  readonly task: string;
  readonly data: JsonObject;
  /** Scopes (`tool:action` patterns) this session was narrowed to; a ceiling. Empty means nothing is allowed. */
  readonly scope: readonly string[];
  /** Records this session was narrowed to; all of these bounds hold. Absent or empty: whatever the policy says. */
  readonly rows?: readonly RowBound[] | undefined;
  /** The session this one was delegated from. A call is allowed only when it would be allowed to the delegator as well. */
  readonly delegator?: Caller | undefined;
  /** Rights the agent was given for a time. Each counts until its own end; ceilings, denies, gates and the session's scope bound it as well. */
  readonly elevations?: readonly ActiveElevation[] | undefined;
}

/** The record acted on, loaded from the tool. */
export interface ResourceFacts {
  readonly type: string;
  readonly id: string;
  readonly attributes: JsonObject;
}

/**
 * Everything a decision depends on.
 * `resource: "unknown"` asks the preliminary question: can any record make this call allowed? Then only a certain `deny` denies.
 * `resource: undefined` means that the action names no record, or that it has none that can be loaded before the call.
 */
export interface DecisionRequest {
  readonly caller: Caller;
  readonly operation: Operation;
  readonly args: JsonObject;
  readonly resource?: ResourceFacts | "unknown" | undefined;
  /** Of a read: how many records the very same call would have shown before. A gate on large results asks people then. */
  readonly expected?: number | undefined;
  readonly now: Date;
}

/** One record of a result, as this decision lets the agent see it. */
export interface Presented {
  readonly visible: boolean;
  readonly record: JsonObject;
  readonly hidden: readonly string[];
  readonly masked: readonly string[];
}

/** One agent identity: `name` is `bailiwick://<tenant>/<environment>/<workflow>/<agent>`. */
export interface AgentConfig {
  readonly name: string;
  readonly agent: string;
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
  readonly roles: readonly string[];
  readonly owner: string;
  readonly attributes: JsonObject;
  /** Roles it may ask for, for a time. */
  readonly eligible: readonly Eligible[];
  /** OAuth clients that may act as this agent for a person. Absent: none. */
  readonly clients?: AgentClients | undefined;
  /** What bounds each of its sessions. Absent: nothing beyond what holds for all. */
  readonly session?: AgentSession | undefined;
  readonly at: Span;
}

/** How long a session of an agent may live at most, and its budgets unless it asks for smaller ones. */
export interface AgentSession {
  readonly maxTtlMs?: number | undefined;
  readonly limits: { readonly calls?: number; readonly records?: number; readonly cost?: number };
}

/** Which people may let which OAuth clients act as an agent. */
export interface AgentClients {
  /** Roles of people; holding one of them is enough. */
  readonly people: readonly string[];
  /** Client metadata document URLs, or hosts of such. Absent: any client. */
  readonly ids?: readonly string[] | undefined;
}

/** A person who may answer approvals or operate the broker. `roles` are people's roles such as `support-lead`, `auditor`, `operator`. */
export interface PersonConfig {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly tenants: readonly string[];
  readonly roles: readonly string[];
}

/** An OpenID provider at which people sign in. `clientSecret` is `${env:NAME}`, never the secret itself. */
export interface SsoConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the button on the sign-in page says. */
  readonly name: string;
}

/** Forms of assertion a partner may send; docs/spec/federation.md says what each must hold. */
export type AssertionKind = "id-jag" | "identity-chaining" | "jwt-svid" | "workload";

/** JWS algorithms an assertion may be signed with; all are asymmetric. */
export type AssertionAlgorithm = "ES256" | "RS256" | "PS256" | "EdDSA";

/** Another organisation: which of its assertions open sessions here, as which agent and with what at most. */
export interface PartnerConfig {
  readonly name: string;
  /** Digest over all that is said of this partner but its contact: a session that was opened under another one has ended. */
  readonly version: string;
  /** `iss` of its assertions; of one partner only. */
  readonly issuer: string;
  /** Address of its keys; absent: by discovery (RFC 8414) at the issuer. */
  readonly jwks?: string | undefined;
  readonly spiffe?: { readonly trustDomain: string; readonly bundle: string } | undefined;
  readonly kinds: readonly AssertionKind[];
  readonly algorithms: readonly AssertionAlgorithm[];
  /** Whole texts, or beginnings with a `*` after them. */
  readonly subjects: readonly string[];
  readonly tenants: readonly string[];
  readonly environments: readonly string[];
  /** The local agent its sessions act as. */
  readonly workflow: string;
  readonly agent: string;
  readonly ceiling: {
    readonly scope: readonly string[];
    readonly rows: RowBound;
    readonly limits: { readonly calls?: number | undefined; readonly records?: number | undefined; readonly cost?: number | undefined };
  };
  readonly maxTtlMs: number;
  readonly contact: string;
  /** Calls that go out to it: the address they are for, the scope asked there at most, and which of its tenants is meant. */
  readonly outbound?: { readonly resource: string; readonly scope: readonly string[]; readonly tenant?: string | undefined } | undefined;
  readonly at: Span;
}

/** The validated, ready-to-decide policy folder. `engine` is opaque to everyone but this package. */
export interface Policy {
  /** `sha256:` and 64 hex digits over the names and texts of all files. */
  readonly version: string;
  readonly tenants: readonly string[];
  readonly environments: readonly string[];
  readonly people: readonly PersonConfig[];
  /** By label of a field, the roles of people who see such values in approvals and records; everybody else sees them masked. */
  readonly reveal: Readonly<Record<string, readonly string[]>>;
  /** Ways to sign in besides passkeys. */
  readonly signIn?: { readonly sso?: SsoConfig } | undefined;
  readonly agents: readonly AgentConfig[];
  readonly tools: readonly CatalogTool[];
  /** Other organisations whose assertions open sessions here, and to whom calls may go out. */
  readonly partners: readonly PartnerConfig[];
  readonly warnings: readonly Diagnostic[];
  readonly engine: unknown;
}

export interface PolicyFile {
  /** Path relative to the policy folder, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export type LoadResult =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** What `tools/list` needs to know of an action: can this session ever be allowed to use it? */
export type Reach = "never" | "depends" | "always";

/** Why a decision came out as it did, and the smallest change that would turn it. */
export interface Explanation {
  readonly summary: string;
  readonly rules: readonly RuleRef[];
  /** Rules that were looked at and did not match, each with the part that was not true. */
  readonly unmatched: readonly { readonly rule: RuleRef; readonly because: string }[];
  /** E.g. "would be allowed if `resource.region` were `emea`" or "add `tickets:delete` to a role of this agent". */
  readonly wouldChange: readonly string[];
}

export interface PolicyTestReport {
  readonly passed: number;
  readonly failed: readonly {
    readonly at: Span;
    readonly name: string;
    readonly expected: string;
    readonly actual: string;
    readonly rules: readonly RuleRef[];
  }[];
  /** Rules that no test exercises. */
  readonly unexercised: readonly RuleRef[];
}
