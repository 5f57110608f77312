import { type AgentConfig, type CatalogTool, findAction, type Policy, standingView } from "@bailiwick/policy";
import type { Binds, Bound } from "./adapters/sql/bind.ts";
import { type ColumnKind, declaredColumns, relationOf, type SqlTable } from "./adapters/sql/columns.ts";
import { literal, quoted } from "./adapters/sql/identifier.ts";
import { viewSql } from "./adapters/sql/view-sql.ts";

/** SQL that lets a database itself enforce what an agent may see, and what of the policy is not in it. */
export interface EmittedSql {
  readonly sql: string;
  /** One line each, with the place of the rule. */
  readonly unsaid: readonly string[];
}

/**
 * For each of the agents a role without rights of its own, and in a schema of that role a view of every declared table of the tool: its
 * `security_barrier` keeps the conditions of whoever asks away from records that it does not show. Nothing is granted on the tables.
 */
export function emitSql(policy: Policy, tool: CatalogTool, agents: readonly AgentConfig[]): EmittedSql {
  const parts = agents.map((agent) => forAgent(policy, tool, agent));
  const head = [
    `-- What ${tool.tool} shows to ${String(agents.length)} of its agents, as of policy ${policy.version}.`,
    "-- Run it as the owner of the tables, in one transaction. Running it again replaces what it made.",
    "-- Limits, hours, approvals, and what sessions were narrowed to are the broker's: no part of this.",
    "BEGIN;",
    "SET LOCAL search_path = pg_catalog, pg_temp;",
    ...tool.tables.map((table) => guard(sqlTable(tool, table.name))),
  ];
  return {
    sql: `${[...head, ...parts.map(({ sql }) => sql), "COMMIT;"].join("\n")}\n`,
    unsaid: parts.flatMap(({ unsaid }) => unsaid),
  };
}

function forAgent(policy: Policy, tool: CatalogTool, agent: AgentConfig): EmittedSql {
  const role = roleOf(agent);
  const unsaid: string[] = [];
  const views = tool.tables.map((table): string => {
    const action = findAction(policy, { tool: tool.tool, kind: "tool", name: table.read });
    if (action === undefined) throw new Error("`check` lets a table name only an action that exists");
    const { view, rules, unsaid: left } = standingView(policy, agent, action, table.type);
    const lost = left.map(({ at, text, why }) => `${at.file}:${String(at.line)} \`${text}\`: ${why}`);
    const name = `${quoted(role)}.${quoted(table.name)}`;
    const said = rules.map(({ kind, id, at }) => `--   ${kind} ${oneLine(id)}, ${at.file}:${String(at.line)}`);
    if (view === undefined) {
      unsaid.push(...lost);
      return [`-- ${table.name}: nothing of it is shown.`, ...lost.map((line) => `--   not said: ${oneLine(line)}`)].join("\n");
    }
    const hashed = view.layers.flatMap(({ grants }) =>
      grants.flatMap(({ fields }) => [...fields].flatMap(([path, as]) => (as === "hash" ? [path] : []))),
    );
    for (const path of new Set(hashed))
      lost.push(`${table.type}.${path}: its mask \`hash\` needs the broker's secret and is \`redact\` here`);
    unsaid.push(...lost);
    const plain = {
      ...view,
      layers: view.layers.map((layer) => ({
        ...layer,
        grants: layer.grants.map((grant) => ({ ...grant, fields: withoutHash(grant.fields) })),
      })),
    };
    const select = viewSql(sqlTable(tool, table.name), plain, newLiterals(), "");
    return [
      `-- ${table.name}, by`,
      ...said,
      ...lost.map((line) => `--   not said: ${oneLine(line)}`),
      `CREATE VIEW ${name} WITH (security_barrier = true) AS SELECT * FROM (${select}) AS seen`,
      `  WHERE pg_catalog.current_setting('bailiwick.tenant', true) = ${literal(agent.tenant)};`,
      `GRANT SELECT ON ${name} TO ${quoted(role)};`,
    ].join("\n");
  });
  const sql = [
    "",
    `-- ${oneLine(agent.name)}`,
    `DO $role$ BEGIN CREATE ROLE ${quoted(role)} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $role$;`,
    `CREATE SCHEMA IF NOT EXISTS ${quoted(role)};`,
    `GRANT USAGE ON SCHEMA ${quoted(role)} TO ${quoted(role)};`,
    withoutViews(role),
    ...tool.tables.map((table) => `REVOKE ALL ON ${relationOf(table)} FROM ${quoted(role)};`),
    ...views,
  ].join("\n");
  return { sql, unsaid };
}

/** Names of PostgreSQL end after 63 bytes, and two that were cut could be the same. */
const MAX_NAME = 63;

/** @throws RangeError when the agent's name is too long for a role. */
export function roleOf({ tenant, environment, workflow, agent }: AgentConfig): string {
  const name = ["bw", tenant, environment, workflow, agent].join("/");
  if (name.length > MAX_NAME)
    throw new RangeError(`the role \`${name}\` would have more than ${String(MAX_NAME)} characters; shorten the agent's names`);
  return name;
}

/** Also those of tables that the catalog no longer declares: what was shown once must not stay. */
function withoutViews(role: string): string {
  return [
    "DO $views$ DECLARE old text; BEGIN",
    `  FOR old IN SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${literal(role)} AND c.relkind = 'v' LOOP`,
    `    EXECUTE pg_catalog.format('DROP VIEW %I.%I', ${literal(role)}, old);`,
    "  END LOOP;",
    "END $views$;",
  ].join("\n");
}

function withoutHash<T>(fields: ReadonlyMap<string, T>): ReadonlyMap<string, T | "redact"> {
  return new Map([...fields].map(([path, as]) => [path, as === "hash" ? ("redact" as const) : as]));
}

/** A view holds its constants itself. */
function newLiterals(): Binds {
  return { values: [], add: (value: Bound) => (typeof value === "string" ? literal(value) : String(value)) };
}

const KINDS: Readonly<Record<string, ColumnKind>> = {
  string: "text",
  email: "text",
  integer: "bigint",
  decimal: "float",
  boolean: "boolean",
  datetime: "timestamptz",
};

/** Types are guessed from the catalog, and the script itself makes sure of them. */
function sqlTable(tool: CatalogTool, name: string): SqlTable {
  const table = tool.tables.find((each) => each.name === name);
  if (table === undefined) throw new Error("`check` lets an action name only tables that exist");
  const columns = declaredColumns(tool, table).map((column) => ({
    ...column,
    kind: typeof column.type === "string" ? (KINDS[column.type] ?? ("other" as const)) : ("other" as const),
  }));
  return { table, columns };
}

const TYPES: Partial<Readonly<Record<ColumnKind, readonly string[]>>> = {
  text: ["text", "varchar", "uuid", "citext"],
  bigint: ["int2", "int4", "int8"],
  float: ["numeric", "float4", "float8", "int2", "int4", "int8"],
  boolean: ["bool"],
  timestamptz: ["timestamptz"],
};

/** Stops the script where a column is not of a type that the views were written for. */
function guard({ table, columns }: SqlTable): string {
  const wanted = columns.flatMap(({ name, kind }) => (TYPES[kind] ?? []).map((type) => `(${literal(name)}, ${literal(type)})`));
  if (wanted.length === 0) return `-- ${table.name}: any types of columns will do.`;
  return [
    "DO $types$ DECLARE wrong text; BEGIN",
    `  SELECT string_agg(a.attname, ', ') INTO wrong FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid`,
    `    WHERE a.attrelid = ${literal(relationOf(table))}::pg_catalog.regclass AND NOT a.attisdropped`,
    `    AND a.attname IN (SELECT w.name FROM (VALUES ${wanted.join(", ")}) AS w(name, type)) AND t.typtype <> 'e'`,
    `    AND ((a.attname, t.typname) NOT IN (SELECT w.name, w.type FROM (VALUES ${wanted.join(", ")}) AS w(name, type))`,
    `    OR EXISTS (SELECT FROM pg_catalog.pg_collation c WHERE c.oid = a.attcollation AND NOT c.collisdeterministic));`,
    `  IF wrong IS NOT NULL THEN RAISE EXCEPTION 'columns of % are of types that the policy was not written for: %', ${literal(table.name)}, wrong; END IF;`,
    "END $types$;",
  ].join("\n");
}

/** A comment ends with its line, and so must what is put into it. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}
