import { load, type Policy, type PolicyFile } from "@bailiwick/policy";
import { fingerprint } from "../../src/domain/fingerprint.ts";
import { cedarOf } from "./condition.ts";
import { LABELS, type Rule, type RuleSet } from "./rule-set.ts";
import { TENANTS } from "./records.ts";
import { type DataServers, LISTED } from "./servers.ts";

const TYPE = {
  Thing: {
    id: "string",
    tenant: "string",
    region: "string",
    tier: "integer",
    amount: "decimal",
    open: "boolean",
    due: "datetime",
    "note?": "string",
    "email?": "string",
    "score?": "integer",
    owner: { name: "string", "phone?": "string" },
    "tags?": ["string"],
  },
};
const COMMON = { types: TYPE, tenantField: { Thing: "tenant" } };
const READ = { is: "things:read", effect: "read" };
export const CREDENTIAL = "things-database";

/** The four ways to the same data. */
export const WAYS = { mcp: "list_things", http: "get_things", table: "select_things", query: "query_things" } as const;

/** The agent of the rule set with this number. */
export function agentName(tenant: string, number: number): string {
  return `bailiwick://${tenant}/prod/data/agent-${String(number)}`;
}

export interface Company {
  readonly policy: Policy;
  /** Numbers of the rule sets that are in force. */
  readonly sets: readonly number[];
}

/**
 * The policy in which each rule set has an agent and its roles. Sets with a rule that `check` takes for a mistake (a condition that never
 * holds, say) are left out: no folder with them is ever in force.
 */
export function companyOf(servers: DataServers, rules: readonly RuleSet[]): Company {
  let sets = [...rules.keys()];
  for (;;) {
    const result = load(filesOf(servers, rules, sets));
    if (result.ok) return { policy: result.policy, sets };
    const wrong = new Set(result.diagnostics.filter(({ severity }) => severity === "error").map(({ at }) => numberIn(at.file)));
    const kept = sets.filter((number) => !wrong.has(number));
    if (wrong.has(undefined) || kept.length === sets.length) throw new Error(JSON.stringify(result.diagnostics, undefined, 1));
    sets = kept;
  }
}

function numberIn(file: string): number | undefined {
  const digits = /-(\d+)\.yaml$/u.exec(file)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** JSON is YAML. */
function filesOf(servers: DataServers, rules: readonly RuleSet[], sets: readonly number[]): readonly PolicyFile[] {
  const files: Record<string, unknown> = {
    "bailiwick.yaml": {
      version: 1,
      tenants: TENANTS,
      environments: { prod: {} },
      people: { ada: { name: "Ada", email: "ada@acme.example", tenants: TENANTS, roles: ["operator"] } },
      session: { data: { "home?": "string" } },
    },
    ...toolsOf(servers),
  };
  const gates: object[] = [];
  for (const number of sets) {
    const set = rules[number];
    if (set === undefined) continue;
    const name = String(number);
    files[`roles/base-${name}.yaml`] = {
      role: `base-${name}`,
      reason: "r",
      allow: [...set.inherited.map(granting), { do: "things:query" }],
    };
    const deny = set.denies.map((rule) => ({ do: "things:read", ...conditionsOf(rule) }));
    files[`roles/set-${name}.yaml`] = {
      role: `set-${name}`,
      reason: "r",
      extends: [`base-${name}`],
      allow: set.grants.map(granting),
      deny,
    };
    files[`agents/agent-${name}.yaml`] = {
      agent: `agent-${name}`,
      workflow: "data",
      owner: "ada",
      tenants: TENANTS,
      environments: ["prod"],
      roles: [`set-${name}`],
      attributes: { region: set.region, set: number },
      ceiling: { allow: ["things:*"] },
    };
    for (const { when, fields } of set.gates) {
      const whose = `principal.set == ${name}`;
      const asked = when === undefined ? whose : `${whose} && ${when}`;
      gates.push({ gate: `gate-${name}`, reason: "r", on: { do: ["things:read"] }, when: asked, require: { fields } });
    }
  }
  files["gates.yaml"] = { gates };
  return Object.entries(files).map(([path, value]) => ({ path, text: JSON.stringify(value) }));
}

function granting(rule: RuleSet["grants"][number]): object {
  return { do: "things:read", ...conditionsOf(rule), fields: rule.fields };
}

function conditionsOf({ when, rows }: Rule): object {
  return { ...(when === undefined ? {} : { when }), ...(rows === undefined ? {} : { rows: cedarOf(rows) }) };
}

function toolsOf({ mcpUrl, webUrl, database }: DataServers): Readonly<Record<string, object>> {
  const columns = { "owner.name": "owner_name", "owner.phone": "owner_phone" };
  const { host, port, name, user } = database;
  return {
    "tools/things.yaml": {
      tool: "things",
      connect: { mcp: { url: mcpUrl } },
      ...COMMON,
      actions: {
        [WAYS.mcp]: { ...READ, returns: { type: "Thing", at: "result.things" }, labels: LABELS.things, reviewed: fingerprint(LISTED) },
      },
    },
    "tools/web.yaml": {
      tool: "web",
      connect: { http: { url: webUrl, private: true } },
      ...COMMON,
      actions: {
        [WAYS.http]: {
          ...READ,
          returns: { type: "Thing", at: "result.things" },
          labels: LABELS.web,
          request: { method: "GET", path: "/things" },
        },
      },
    },
    "tools/database.yaml": {
      tool: "database",
      connect: { postgres: { host, port, database: name } },
      ...COMMON,
      credential: { name: CREDENTIAL, inject: { login: user } },
      tables: { thing: { type: "Thing", read: WAYS.table, columns } },
      actions: {
        [WAYS.table]: { ...READ, returns: { type: "Thing", at: "result.rows" }, table: { name: "thing", do: "select" } },
        [WAYS.query]: { is: "things:query", effect: "read", args: { sql: "string", "params?": ["any"] }, sql: { tables: ["thing"] } },
      },
    },
  };
}
