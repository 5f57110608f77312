import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { decide, load, viewOf } from "../../packages/policy/src/index.ts";
import type { DecisionRequest, Policy, RecordView } from "../../packages/policy/src/index.ts";
import { connectPostgresTool } from "../../packages/broker/src/adapters/postgres-tool/connect.ts";
import { startEmbedded } from "../../packages/broker/src/adapters/store/embedded/server.ts";
import type { CallIo } from "../../packages/broker/src/domain/tool.ts";
import { inTurns, type Timed } from "./turns.ts";

export const BY_TOOL = "bailiwick's postgres tool: parsed, checked, over the agent's view";
export const DIRECT = "a direct connection, conditions and masks written by hand";
/** Queries of one turn, one after the other. */
export const QUERIES = 100;
const STORED = 20_000;

const FILES: Readonly<Record<string, string>> = {
  "bailiwick.yaml":
    "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\npeople:\n  dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [operator] }\n",
  "tools/desk.yaml": `tool: desk
connect: { postgres: { host: db.example, database: desk } }
credential: { name: desk, inject: { login: desk } }
types: { Ticket: { id: integer, tenant: string, tier: integer, region: string, email: string } }
tenantField: { Ticket: tenant }
tables:
  ticket: { type: Ticket, read: list_tickets }
actions:
  list_tickets: { is: "tickets:read", effect: read, table: { name: ticket, do: select }, returns: { type: Ticket, at: result.rows } }
  query: { is: "tickets:query", effect: read, args: { sql: string, "params?": [any] }, sql: { tables: [ticket] } }
`,
  "roles/reader.yaml": `role: reader
reason: r
allow:
  - { do: "tickets:read", rows: resource.tier <= 2 && resource.region == "emea", fields: { mask: { email: redact } } }
  - do: tickets:query
`,
  "agents/reader.yaml":
    'agent: reader\nworkflow: w\nowner: dana\ntenants: [acme]\nenvironments: [prod]\nroles: [reader]\nceiling: { allow: ["tickets:*"] }\n',
};

const BY_AGENT = "select id, email from ticket where id > $1 order by id limit 20";
const BY_HAND = `select id, '[redacted]' as email from ticket
  where tenant = 'acme' and tier <= 2 and region = 'emea' and id > $1 order by id limit 20`;

/** The same queries over the tool and over a bare connection to the same database. `folder` is for the database. */
export async function queryTimes(folder: string, rounds: number): Promise<readonly Timed[]> {
  const server = await startEmbedded({ folder });
  const owner = new Client({ connectionString: server.ownerUrl("postgres") });
  await owner.connect();
  const login = { user: "desk_reader", password: randomBytes(16).toString("hex") };
  await owner.query(`
    create role ${login.user} login password '${login.password}';
    create table ticket (id int primary key, tenant text not null, tier int not null, region text not null, email text not null);
    insert into ticket select n, case when n % 10 = 0 then 'globex' else 'acme' end, n % 4, case when n % 3 = 0 then 'amer' else 'emea' end,
      'customer' || n || '@client.example' from generate_series(1, ${String(STORED)}) as n;
    grant select on ticket to ${login.user};
    analyze ticket;
  `);
  const direct = new Client({ host: owner.host, port: owner.port, database: "postgres", ...login });
  await direct.connect();
  const { policy, views } = agentsView();
  const [tool] = policy.tools;
  if (tool === undefined) throw new Error("the bench's folder has one tool");
  const key = { tool: tool.tool, tenant: "acme", environment: "prod", workflow: "w" };
  const connection = connectPostgresTool(key, tool, { host: owner.host, port: String(owner.port), database: "postgres" });
  const options = {
    timeoutMs: 30_000,
    maxBytes: 1_000_000,
    equipment: { headers: {}, environment: {}, login },
    io: SILENT,
    views,
    maskSalt: "a secret of the bench",
  };
  const asked = Array.from({ length: QUERIES }, (_, index) => Math.floor((index * STORED) / QUERIES / 2));
  try {
    return await inTurns(
      [
        {
          name: BY_TOOL,
          run: () =>
            added(asked, async (after) => {
              const operation = { tool: tool.tool, kind: "tool", name: "query" } as const;
              const { structuredContent } = await connection.invoke(operation, { sql: BY_AGENT, params: [after] }, options);
              return rowsIn(structuredContent);
            }),
        },
        { name: DIRECT, run: () => added(asked, async (after) => (await direct.query(BY_HAND, [after])).rows.length) },
      ],
      rounds,
    );
  } finally {
    await connection.close();
    await Promise.all([direct.end(), owner.end()]);
    await server.close();
  }
}

async function added(asked: readonly number[], one: (after: number) => Promise<number>): Promise<number> {
  let sum = 0;
  for (const after of asked) sum += await one(after);
  return sum;
}

function rowsIn(result: unknown): number {
  const rows: unknown = typeof result === "object" && result !== null && "rows" in result ? result.rows : undefined;
  return Array.isArray(rows) ? rows.length : 0;
}

function agentsView(): { readonly policy: Policy; readonly views: ReadonlyMap<string, RecordView> } {
  const loaded = load(Object.entries(FILES).map(([path, text]) => ({ path, text })));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  const { policy } = loaded;
  const request: DecisionRequest = {
    caller: {
      agent: "bailiwick://acme/prod/w/reader",
      tenant: "acme",
      environment: "prod",
      workflow: "w",
      user: "u",
      session: "s",
      task: "t",
      data: {},
      scope: ["tickets:*"],
    },
    operation: { tool: "desk", kind: "tool", name: "list_tickets" },
    args: {},
    resource: "unknown",
    now: new Date("2026-11-23T10:00:00Z"),
  };
  const view = viewOf(policy, request, decide(policy, request), "Ticket");
  if (view === undefined) throw new Error("the bench's agent may see tickets");
  return { policy, views: new Map([["ticket", view]]) };
}

const SILENT: CallIo = {
  signal: new AbortController().signal,
  capabilities: {},
  progress: () => undefined,
  log: () => undefined,
  ask: () => Promise.reject(new Error("nobody to ask")),
};
