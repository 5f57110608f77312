import type { ApprovalTerms } from "./approval-terms.ts";
import type { CredentialUse } from "./credential-use.ts";
import type { Json, JsonObject } from "./json.ts";

/** What an action does to the world. Closed list; `execute` is the class of everything else with side effects. */
export type Effect = "read" | "write" | "delete" | "send" | "pay" | "export" | "grant" | "execute";

/** What the policy says of a call: go ahead, ask a person first, or no. */
export type Verdict = "allow" | "ask" | "deny";

/** A place in a policy file; lines count from 1. */
export interface Span {
  readonly file: string;
  readonly line: number;
}

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

/** One thing an agent can ask for: a tool call, a resource read or a prompt. `name` is the upstream's own name or URI. */
export interface Operation {
  readonly tool: string;
  readonly kind: "tool" | "resource" | "prompt";
  readonly name: string;
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
  readonly unit: "calls" | "records" | "cost";
  readonly max: number;
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
  /** The most records one result may hold after filtering. */
  readonly maxRecords: number;
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
  readonly now: Date;
}

/** One record of a result, as this decision lets the agent see it. */
export interface Presented {
  readonly visible: boolean;
  readonly record: JsonObject;
  readonly hidden: readonly string[];
  readonly masked: readonly string[];
}

/** Type of an argument or attribute that policy may speak of. `email` becomes a record {address, local, domain}; `any` is covered by the digest but invisible to policy. A trailing `?` on the KEY marks it optional. */
export type FieldType =
  | "string"
  | "integer"
  | "decimal"
  | "boolean"
  | "datetime"
  | "email"
  | "any"
  | readonly [FieldType]
  | { readonly [key: string]: FieldType };

/** How a tool is reached. Texts may hold `${tenant}`, `${environment}`, `${workflow}` and `${env:NAME}`, filled in when connecting. */
export type Connect =
  | { readonly mcp: { readonly command: readonly string[]; readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } }
  | { readonly mcp: { readonly url: string } }
  | { readonly smtp: { readonly host: string; readonly port: string; readonly from: string } }
  | { readonly postgres: { readonly host: string; readonly port?: string; readonly database: string } }
  | { readonly http: { readonly url: string } }
  /** The broker itself opens lines to hosts for agents that bring their own client. */
  | { readonly egress: Readonly<Record<string, never>> };

/** One reviewed action of a tool: what it does, to what, and what comes back. Paths are dotted and start with `args` or `result`. */
export interface CatalogAction {
  readonly operation: Operation;
  readonly scope: string;
  readonly effect: Effect;
  readonly description?: string | undefined;
  readonly args: Readonly<Record<string, FieldType>>;
  /** Arguments the broker sets itself (`principal.tenant`, `principal.environment`, `user.id`, or a literal after `=`); hidden from the agent. */
  readonly force: Readonly<Record<string, string>>;
  readonly resource?:
    | {
        readonly type: string;
        readonly id: string;
        /** Name of the tool's read action that loads the record, and how its arguments are made from this call's. */
        readonly before?: string | undefined;
        readonly beforeArgs?: Readonly<Record<string, string>> | undefined;
        /** Path of the object whose keys are written fields; absent: every argument but the id. */
        readonly fields?: string | undefined;
      }
    | undefined;
  readonly returns?: Returns | undefined;
  /** By field of the returned records, the argument that asks the tool for records with just that value of it. */
  readonly push: Readonly<Record<string, string>>;
  /** Arguments in which tokens (`{email-1}`) are replaced by what they stand for. */
  readonly tokens: readonly string[];
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly destination: readonly string[];
  /** Path of an array argument whose length counts as records. */
  readonly batch?: string | undefined;
  /** Path of a number argument that counts as cost, in the catalog's currency unit. */
  readonly cost?: string | undefined;
  readonly undo?: UndoWith | undefined;
  /** Milliseconds the tool may take. */
  readonly timeoutMs: number;
  /** Fingerprint (`sha256:...`) a person reviewed; absent for built-in adapters (smtp, postgres), whose actions the catalog itself defines. */
  readonly reviewed?: string | undefined;
  /** Reviewed SQL text of a postgres action; parameters by path. */
  readonly statement?: { readonly sql: string; readonly params: readonly string[] } | undefined;
  /** One operation on a declared table of a postgres tool. */
  readonly table?: { readonly name: string; readonly do: TableOperation } | undefined;
  /** A postgres action whose argument `sql` is a query that the agent writes, over these declared tables. */
  readonly sql?: SqlTerms | undefined;
  /** The request of an http action. */
  readonly request?: HttpRequest | undefined;
  readonly at: Span;
}

/** Where a result holds its records, and what beside them may be shown when some are not. Paths start with `result`. */
export interface Returns {
  readonly type: string;
  readonly at: string;
  /** Numbers of records: set to how many are visible. */
  readonly counts: readonly string[];
  /** Where to go on, and the argument that takes it back: handed out sealed. */
  readonly cursor?: { readonly at: string; readonly arg: string } | undefined;
  /** What is shown as it is. Everything else beside the records is removed when they are filtered. */
  readonly keep: readonly string[];
}

/** The action of the same tool that takes a call back, and its arguments: paths into `args`, `before`, `after`, or a literal after `=`. */
export interface UndoWith {
  readonly do: string;
  /** Absent: the record's id and the fields that were written, as they were before. */
  readonly args?: Readonly<Record<string, string>> | undefined;
}

export type TableOperation = "select" | "insert" | "update" | "delete";

export interface SqlTerms {
  readonly tables: readonly string[];
  /** Functions that may be called beside the built-in list; from `pg_catalog`. */
  readonly functions: readonly string[];
  /** The most the planner may expect it to cost, in its own units (PostgreSQL, EXPLAIN). */
  readonly maxCost: number;
  readonly maxRows: number;
}

/** A table as a query and the table actions know it. */
export interface CatalogTable {
  readonly name: string;
  readonly schema: string;
  readonly type: string;
  /** Field of the type that is the primary key. */
  readonly key: string;
  /** The read action whose rows and fields decide what a query may see of it. */
  readonly read: string;
  /** By field, the column where it has another name. */
  readonly columns: Readonly<Record<string, string>>;
  readonly at: Span;
}

/** How the arguments of an action become an HTTP request. Values are paths into `args`. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Joined to the tool's address; `{name}` is filled with `params[name]`, encoded as one segment. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** One path for the whole body, or a member each. Absent: no body. */
  readonly body?: string | Readonly<Record<string, string>> | undefined;
}

export interface CatalogTool {
  readonly tool: string;
  readonly connect: Connect;
  readonly credential?: CredentialUse | undefined;
  readonly types: Readonly<Record<string, Readonly<Record<string, FieldType>>>>;
  /** Attribute of a record type that names its tenant: `{ Ticket: "tenant" }`. Records of another tenant are refused whatever the grants say. */
  readonly tenantField: Readonly<Record<string, string>>;
  readonly tables: readonly CatalogTable[];
  readonly actions: readonly CatalogAction[];
  readonly at: Span;
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
  readonly at: Span;
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
