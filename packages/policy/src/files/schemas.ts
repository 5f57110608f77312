import { z } from "zod";
import type { FieldType } from "../types.ts";
import { content } from "./content-schema.ts";
import { DURATION, durationMs } from "./duration.ts";
import { amount, count, hours, limits } from "./limit-schema.ts";

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
export const name = z.string().regex(NAME, { error: "must be a lower-case name such as `support-lead`" });
export const text = z.string().trim().min(1, { error: "must not be empty" });
const ruleId = z.string().regex(/^[A-Za-z0-9][\w./-]{0,119}$/, { error: "must be letters, digits, `.`, `_`, `-` or `/`" });
const condition = text;
const path = z.string().regex(/^(args|result)(\.[A-Za-z_$][\w$-]*)*$/, { error: "must be a path such as `args.id`" });
export const fieldPath = z
  .string()
  .regex(/^[A-Za-z_$][\w$-]*(\.[A-Za-z_$][\w$-]*)*$/, { error: "must be a field path such as `customer.email`" });
const fieldOrLabel = z.string().regex(/^(?:@\S(?:.*\S)?|[A-Za-z_$][\w$-]*(\.[A-Za-z_$][\w$-]*)*)$/, {
  error: "must be a field path such as `customer.email`, or a label such as `@pii`",
});
/** A shorter session would be over before its agent has done anything. */
const MIN_SESSION_MS = 60_000;
/** What a person lets happen at once, or lets an agent have, is for a time that they oversee. */
const MAX_GIVEN_MS = 30 * 24 * 3_600_000;
export const duration = z.string().regex(DURATION, { error: "must be a duration such as `30m`" });
const shortDuration = duration.refine((value) => !DURATION.test(value) || durationMs(value) <= MAX_GIVEN_MS, {
  error: "must be at most `30d`",
});
/** Where a credential's value comes from. No `..`: a placeholder's value must not lead out of the folder that was meant. */
const CREDENTIAL_SOURCE =
  /^(?:store|oauth|partner:[a-z][a-z0-9_-]{0,62}|env:(?:[A-Za-z0-9_]|\$\{(?:tenant|environment|workflow)\})+|(?!.*\.\.)(?:file:\/|vault:(?=[^#]+\/[^#]+#\w))(?:[\w./#-]|\$\{(?:tenant|environment|workflow)\})+)$/;
/** Names that JavaScript or Cedar's JSON form give a meaning of their own. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(["__proto__", "__entity", "__extn", "__expr"]);
const key = z
  .string()
  .regex(/^[A-Za-z_$][\w$-]*\??$/, { error: "must be a name, with a trailing `?` when optional" })
  .refine((word) => !RESERVED_KEYS.has(word.replace(/\?$/, "")), { error: "is a reserved name" });

export const effect = z.enum(["read", "write", "delete", "send", "pay", "export", "grant", "execute"]);
const mask = z.enum(["redact", "partial", "hash", "token"]);

const fieldType: z.ZodType<FieldType> = z.lazy(() =>
  z.union([
    z.enum(["string", "integer", "decimal", "boolean", "datetime", "email", "any"]),
    z.tuple([fieldType]).transform((items): readonly [FieldType] => items),
    z.record(key, fieldType),
  ]),
);
const fields = z.record(key, fieldType);

const ceiling = { effects: z.array(effect).min(1).optional(), when: condition.optional(), hours: hours.optional() };
const person = z.strictObject({ name: text, email: z.email(), tenants: z.array(name).min(1), roles: z.array(name) });

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** Issuers are compared as text (OpenID Connect Core 1.0, section 2), so the text is kept as it is written. */
const issuer = text.refine(
  (value) => {
    const url = URL.parse(value);
    if (url === null || url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") return false;
    return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
  },
  { error: "must be an https URL without query and fragment; plain http only on a loopback address" },
);
const signIn = z.strictObject({
  sso: z
    .strictObject({
      issuer,
      clientId: text,
      clientSecret: z.string().regex(/^\$\{env:[A-Za-z_][A-Za-z0-9_]*\}$/, {
        error: "must be `${env:NAME}`: a secret has no place in the policy folder",
      }),
      name: text.default("single sign-on"),
    })
    .exactOptional(),
});

export const mainFile = z.strictObject({
  version: z.literal(1),
  tenants: z.array(name).min(1),
  environments: z.record(
    name,
    z.strictObject({ ceiling: z.strictObject({ allow: z.array(text).min(1).optional(), ...ceiling }).optional() }),
  ),
  people: z.record(name, person).default({}),
  signIn: signIn.exactOptional(),
  session: z.strictObject({ data: fields.default({}) }).default({ data: {} }),
  reveal: z.record(text, z.array(name)).default({}),
});

const command = z.strictObject({
  command: z.array(text).min(1),
  env: z.record(z.string(), z.string()).exactOptional(),
  cwd: text.exactOptional(),
});
const connect = z.union([
  z.strictObject({ mcp: command }),
  z.strictObject({ mcp: z.strictObject({ url: text }) }),
  z.strictObject({ smtp: z.strictObject({ host: text, port: z.coerce.string(), from: text }) }),
  z.strictObject({
    postgres: z.strictObject({ host: text, port: z.coerce.string().exactOptional(), database: text, role: text.exactOptional() }),
  }),
  z.strictObject({ http: z.strictObject({ url: text, private: z.boolean().exactOptional() }) }),
  z.strictObject({ egress: z.strictObject({ private: z.array(text).exactOptional() }) }),
]);
const injection = z.union([
  z.strictObject({ header: text, format: text.exactOptional() }),
  z.strictObject({ environment: text }),
  z.strictObject({ login: text }),
]);

/** Paths of an undo may also lead into the record as it was and as the call left it. */
const undoPath = z.string().regex(/^(?:=.*|(?:args|before|after)(?:\.[A-Za-z_$][\w$-]*)+)$/s, {
  error: "must be a path such as `before.status`, or a literal such as `=open`",
});
const undo = z.union([
  text.transform((action) => ({ do: action })),
  z.strictObject({ do: text, args: z.record(key, undoPath).exactOptional() }),
]);
const returns = z.strictObject({
  type: text,
  at: path,
  counts: z.array(path).default([]),
  cursor: z.strictObject({ at: path, arg: path }).exactOptional(),
  keep: z.array(path).default([]),
});
const request = z.strictObject({
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]),
  path: z.string().regex(/^\/[^\s?#\\]*$/, { error: "must be a path such as `/tickets/{id}`, without query" }),
  params: z.record(z.string(), path).default({}),
  query: z.record(z.string(), path).default({}),
  headers: z.record(z.string(), path).default({}),
  body: z.union([path, z.record(z.string(), path)]).exactOptional(),
});
const identifier = z.string().regex(/^[A-Za-z_][A-Za-z0-9_$]{0,62}$/, { error: "must be the name of a table, schema or column" });
const MAX_QUERY_ROWS = 10_000;
const sql = z.strictObject({
  tables: z.array(identifier).min(1),
  functions: z.array(identifier).default([]),
  maxCost: z.number().positive().default(100_000),
  maxRows: z.int().min(1).max(MAX_QUERY_ROWS).default(1_000),
});
const table = z.strictObject({
  type: text,
  schema: identifier.default("public"),
  key: fieldPath.default("id"),
  read: text,
  columns: z.record(fieldPath, identifier).default({}),
});

const action = z.strictObject({
  is: text,
  effect,
  description: text.optional(),
  args: fields.default({}),
  force: z.record(key, z.string()).default({}),
  resource: z
    .strictObject({ type: text, id: path, before: text.optional(), beforeArgs: z.record(key, path).optional(), fields: path.optional() })
    .optional(),
  returns: returns.optional(),
  push: z.record(fieldPath, path).default({}),
  tokens: z.array(path).default([]),
  labels: z.record(fieldPath, z.array(text)).default({}),
  destination: z.array(path).default([]),
  batch: path.optional(),
  cost: path.optional(),
  undo: undo.optional(),
  timeout: duration.default("30s"),
  reviewed: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, { error: "must be `sha256:` and 64 hex digits" })
    .optional(),
  statement: z.strictObject({ sql: text, params: z.array(path).default([]) }).optional(),
  table: z.strictObject({ name: identifier, do: z.enum(["select", "insert", "update", "delete"]) }).optional(),
  sql: sql.optional(),
  request: request.optional(),
});
const resource = z.strictObject({
  is: text,
  effect: effect.default("read"),
  description: text.optional(),
  returns: returns.optional(),
  labels: action.shape.labels,
  reviewed: action.shape.reviewed,
  timeout: action.shape.timeout,
});
const prompt = z.strictObject({ ...resource.shape, args: fields.default({}) });

const credentialName = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, { error: "must be a credential's name such as `helpdesk-api`" });
/** RFC 6749 section 3.3: what a scope may be written with. */
const oauthScope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, { error: "must be one OAuth scope such as `tickets:read`" });
const toolOAuth = z.strictObject({
  grant: z.enum(["authorization_code", "client_credentials"]).default("authorization_code"),
  issuer: issuer.exactOptional(),
  scope: z.array(oauthScope).max(100).default([]),
  client: z
    .strictObject({
      id: z.string().regex(/^(?:[\x21-\x7e]){1,500}$/, { error: "must be a client id without spaces" }),
      secret: credentialName.exactOptional(),
    })
    .exactOptional(),
});

const credential = z.strictObject({
  name: credentialName,
  inject: injection,
  from: z
    .string()
    .regex(CREDENTIAL_SOURCE, { error: "must be `store`, `oauth`, `env:NAME`, `file:/path`, `vault:mount/path#field` or `partner:name`" })
    .exactOptional(),
  hosts: z.array(text).min(1).exactOptional(),
  oauth: toolOAuth.exactOptional(),
  rotate: z
    .strictObject({
      every: duration.exactOptional(),
      grace: duration.default("1h"),
      postgres: z.strictObject({ roles: z.tuple([text, text]), admin: text }).exactOptional(),
    })
    .exactOptional(),
});

export const toolFile = z.strictObject({
  tool: name,
  description: text.optional(),
  connect,
  credential: credential.optional(),
  types: z.record(z.string().regex(/^[A-Z][A-Za-z0-9]{0,62}$/, { error: "must be a type name such as `Ticket`" }), fields).default({}),
  tenantField: z.record(z.string(), text).default({}),
  tables: z.record(identifier, table).default({}),
  actions: z.record(text, action).default({}),
  resources: z.record(text, resource).default({}),
  prompts: z.record(text, prompt).default({}),
});

const masks = z.record(fieldOrLabel, mask);
/** More people for one call than any company has at hand; a larger number is a slip of the keyboard. */
const MAX_PEOPLE = 20;
/** A yes to more calls than this has been thought about by nobody. */
const MAX_USES = 1_000;
const roles = z.array(name).min(1);
const people = z.int().min(1).max(MAX_PEOPLE);
const also = z.array(z.strictObject({ by: roles, count: people.default(1) })).max(MAX_PEOPLE);
const escalate = z.strictObject({ after: duration, to: roles });
const bounded = z.union([
  z.literal(false),
  z.strictObject({ uses: z.int().min(1).max(MAX_USES).default(20), for: shortDuration.default("8h") }),
]);
const question = z.strictObject({
  by: roles,
  count: people.default(1),
  also: also.default([]),
  stepUp: z.boolean().default(false),
  escalate: escalate.optional(),
  expires: duration.default("30m"),
});
const approve = question.extend({ bounded: bounded.default({ uses: 20, for: "8h" }), unless: condition.optional() });
const allow = z.strictObject({
  do: text,
  id: ruleId.optional(),
  reason: text.optional(),
  when: condition.optional(),
  rows: condition.optional(),
  within: z.record(fieldPath, duration).optional(),
  fields: z.strictObject({ hide: z.array(fieldOrLabel).optional(), mask: masks.optional(), write: z.array(text).optional() }).optional(),
  limits: limits.optional(),
  hours: hours.optional(),
  content: content.optional(),
  approve: approve.optional(),
});
const deny = z.strictObject({
  do: text,
  id: ruleId.optional(),
  reason: text.optional(),
  when: condition.optional(),
  rows: condition.optional(),
});

export const roleFile = z.strictObject({
  role: name,
  reason: text.optional(),
  extends: z.array(name).default([]),
  allow: z.array(allow).default([]),
  deny: z.array(deny).default([]),
});

/** An OAuth client: the URL of its metadata document, or a host on which such documents lie. */
const oauthClient = z.string().regex(/^(?:https:\/\/[^\s/?#@]+\/\S*|(?=.{1,253}$)[a-z0-9-]+(?:\.[a-z0-9-]+)+)$/, {
  error: "must be the `https:` URL of a client's metadata document, or a host such as `client.example`",
});
const attribute = z.union([z.string(), z.boolean(), z.int(), z.array(z.string()), z.array(z.int())]);
export const agentFile = z.strictObject({
  agent: name,
  workflow: name,
  description: text.optional(),
  owner: name,
  tenants: z.array(name).min(1),
  environments: z.array(name).min(1),
  roles: z.array(name).min(1),
  attributes: z.record(z.string().regex(/^[A-Za-z]\w*$/), attribute).default({}),
  ceiling: z.strictObject({ allow: z.array(text).min(1), ...ceiling }),
  eligible: z
    .array(
      z.strictObject({
        role: name,
        most: shortDuration,
        reason: text,
        approve: question,
      }),
    )
    .default([]),
  clients: z.strictObject({ people: z.array(name).min(1), ids: z.array(oauthClient).min(1).exactOptional() }).exactOptional(),
  session: z
    .strictObject({
      maxTtl: duration
        .refine((value) => !DURATION.test(value) || durationMs(value) >= MIN_SESSION_MS, { error: "must be at least `1m`" })
        .exactOptional(),
      limits: z.strictObject({ calls: count.exactOptional(), records: count.exactOptional(), cost: amount.exactOptional() }).default({}),
    })
    .exactOptional(),
});

const gate = z.strictObject({
  gate: ruleId,
  reason: text,
  on: z
    .strictObject({
      do: z.array(text).min(1).optional(),
      effect: z.array(effect).min(1).optional(),
      environments: z.array(name).min(1).optional(),
      recordsOver: count.optional(),
    })
    .default({}),
  when: condition.optional(),
  require: z.strictObject({
    approve: approve.omit({ unless: true }).optional(),
    fields: z.strictObject({ hide: z.array(fieldOrLabel).optional(), mask: masks.optional() }).optional(),
    limits: limits.optional(),
    hours: hours.optional(),
    content: content.optional(),
  }),
});
const defaultChange = z.strictObject({
  off: z.literal(true).optional(),
  by: roles.optional(),
  count: people.optional(),
  also: also.optional(),
  stepUp: z.boolean().optional(),
  escalate: escalate.optional(),
  bounded: bounded.optional(),
  expires: duration.optional(),
  environments: z.array(name).min(1).optional(),
  recordsOver: count.optional(),
  reason: text,
});
export const gatesFile = z.strictObject({ defaults: z.record(z.string(), defaultChange).default({}), gates: z.array(gate).default([]) });

const policyTest = z.strictObject({
  name: text,
  agent: text,
  user: text.optional(),
  task: text.optional(),
  data: z.record(z.string(), z.json()).optional(),
  scope: z.array(text).optional(),
  elevated: z.array(name).optional(),
  call: text,
  args: z.record(z.string(), z.json()).default({}),
  resource: z.record(z.string(), z.json()).optional(),
  now: z.iso.datetime({ offset: true }).optional(),
  expect: z.enum(["allow", "ask", "deny"]),
  rule: text.optional(),
  code: text.optional(),
  hidden: z.array(text).optional(),
  masked: z.array(text).optional(),
});
export const testFile = z.strictObject({ tests: z.array(policyTest).default([]) });

export type MainFile = z.output<typeof mainFile>;
export type ToolFile = z.output<typeof toolFile>;
export type RoleFile = z.output<typeof roleFile>;
export type AgentFile = z.output<typeof agentFile>;
export type GatesFile = z.output<typeof gatesFile>;
export type Question = z.output<typeof question>;
export type ApproveEntry = z.output<typeof approve>;
export type TestFile = z.output<typeof testFile>;
