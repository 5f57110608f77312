import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Json, JsonObject } from "@bailiwick/policy";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { Client } from "pg";
import { testDatabase } from "../support/database.ts";
import type { Thing } from "./records.ts";

/** The MCP server's only tool, as it describes itself. */
export const LISTED = { name: "list_things", description: "lists all things", inputSchema: { type: "object", properties: {} } } as const;

/** How a server writes down what it answers; each is one that is met. */
export type Form = "structured" | "text" | "embedded";

/** A company that keeps the same things behind an MCP server, an HTTP API and a database. */
export interface DataServers {
  readonly mcpUrl: string;
  readonly webUrl: string;
  readonly database: {
    readonly host: string;
    readonly port: string;
    readonly name: string;
    readonly user: string;
    readonly password: string;
  };
  keep(things: readonly Thing[]): Promise<void>;
  answerAs(form: Form): void;
  close(): Promise<void>;
}

export async function dataServers(): Promise<DataServers> {
  let kept: readonly Thing[] = [];
  let form: Form = "structured";
  const server = createServer((req, res) => {
    if (req.url === "/mcp") void answerMcp(req, res, () => mcpResult(answerOf(kept), form));
    else res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answerOf(kept)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const url = `http://127.0.0.1:${String(address.port)}`;
  const data = await thingsDatabase();
  return {
    mcpUrl: `${url}/mcp`,
    webUrl: `${url}/api`,
    database: data.at,
    async keep(things) {
      kept = things;
      await data.keep(things);
    },
    answerAs: (next) => void (form = next),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await data.close();
    },
  };
}

/** The records among what servers put beside them; absent is written as null by some and not at all by others. */
function answerOf(things: readonly Thing[]): JsonObject {
  const rows = things.map((thing, index) => (index % 2 === 0 ? thing : withoutNulls(thing)));
  return { things: rows, total: things.length, last: things.at(-1)?.id ?? null, summary: things.map(({ note }) => note) };
}

function withoutNulls(record: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(record)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, typeof value === "object" && !Array.isArray(value) ? withoutNulls(value as JsonObject) : value]),
  );
}

function mcpResult(answer: JsonObject, form: Form): JsonObject {
  const text = JSON.stringify(answer);
  switch (form) {
    case "structured":
      return { content: [{ type: "text", text }], structuredContent: answer };
    case "text":
      return {
        content: [
          { type: "text", text: "all things:" },
          { type: "text", text },
        ],
      };
    case "embedded":
      return { content: [{ type: "resource", resource: { uri: "things://all", mimeType: "application/json", text } }] };
  }
}

async function answerMcp(req: IncomingMessage, res: ServerResponse, result: () => JsonObject): Promise<void> {
  const server = new Server({ name: "things", version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [LISTED] }));
  server.setRequestHandler(CallToolRequestSchema, () => result());
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  res.on("close", () => void transport.close());
  await server.connect(transport);
  await transport.handleRequest(req, res);
}

const COLUMNS = "id, tenant, region, tier, amount, open, due, note, email, score, owner_name, owner_phone, tags";

async function thingsDatabase() {
  const database = await testDatabase();
  const owner = new Client({ connectionString: database.databaseUrl });
  await owner.connect();
  const [user, password] = [`user_${database.name}`, `pw-${database.name}`];
  await owner.query(`
    create role ${user} login password '${password}';
    create table thing (
      id text primary key, tenant text not null, region text not null, tier bigint, amount numeric(14, 4) not null, open boolean not null,
      due timestamptz, note text, email text, score bigint, owner_name text not null, owner_phone text, tags text[]
    );
    grant select on thing to ${user};
  `);
  return {
    at: { host: owner.host, port: String(owner.port), name: database.name, user, password },
    async keep(things: readonly Thing[]): Promise<void> {
      await owner.query("truncate thing");
      for (const { owner: person, ...thing } of things) {
        const { id, tenant, region, tier, amount, open, due, note, email, score, tags } = thing;
        const values: readonly (Json | undefined)[] = [
          id,
          tenant,
          region,
          tier,
          amount,
          open,
          due,
          note,
          email,
          score,
          person.name,
          person.phone,
          tags,
        ];
        await owner.query(`insert into thing (${COLUMNS}) values (${values.map((_, at) => `$${String(at + 1)}`).join(", ")})`, [...values]);
      }
    },
    async close(): Promise<void> {
      await owner.query(`drop owned by ${user}; drop role ${user}`);
      await owner.end();
      await database.close();
    },
  };
}
