import type { CredentialUse } from "./credential-use.ts";

/** What an action does to the world. Closed list; `execute` is the class of everything else with side effects. */
export type Effect = "read" | "write" | "delete" | "send" | "pay" | "export" | "grant" | "execute";

/** A place in a policy file; lines count from 1. */
export interface Span {
  readonly file: string;
  readonly line: number;
}

/** One thing an agent can ask for: a tool call, a resource read or a prompt. `name` is the upstream's own name or URI. */
export interface Operation {
  readonly tool: string;
  readonly kind: "tool" | "resource" | "prompt";
  readonly name: string;
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
  /** `role`: the role of the database that calls act as; its login must be a member. */
  | { readonly postgres: { readonly host: string; readonly port?: string; readonly database: string; readonly role?: string } }
  /** `private`: its name may lead to this machine or a private network. */
  | { readonly http: { readonly url: string; readonly private?: boolean } }
  /** The broker itself opens lines to hosts for agents that bring their own client; `private` names hosts that may lie in a private network. */
  | { readonly egress: { readonly private?: readonly string[] } };

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
