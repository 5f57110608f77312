import type { Json, JsonObject, Policy } from "@bailiwick/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repeatMemory } from "../../src/adapters/cache/repeat-memory.ts";
import { labelledMemory } from "../../src/adapters/cache/labelled-memory.ts";
import { runMemory } from "../../src/adapters/cache/run-memory.ts";
import { loadSqlParser } from "../../src/adapters/sql/parser.ts";
import { readQuery } from "../../src/adapters/sql/read-query.ts";
import { createToolConnections, type LiveToolConnections } from "../../src/adapters/tools/index.ts";
import { handleCall } from "../../src/call/handle-call.ts";
import type { CallPorts } from "../../src/call/ports.ts";
import { runningCalls } from "../../src/call/running-calls.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import type { Session } from "../../src/domain/session.ts";
import { incoming } from "../call/support.ts";
import { PLAIN } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { agentName, companyOf, CREDENTIAL, WAYS } from "./company.ts";
import { SALT, tidy, type Viewer, visibleTo } from "./oracle.ts";
import { TENANTS, thingsOf } from "./records.ts";
import { type Asked, ruleSetsOf } from "./rule-set.ts";
import { type DataServers, dataServers, type Form } from "./servers.ts";

const BATCHES = 9;
const SETS_EACH = 26;
const THINGS = 60;
const FORMS: readonly Form[] = ["structured", "text", "embedded"];

let db: TestStore;
let servers: DataServers;
let tools: LiveToolConnections;
let ports: CallPorts;
let policy: Policy;

beforeAll(async () => {
  [db, servers] = await Promise.all([testStore(), dataServers(), loadSqlParser()]);
  const { host, port, password } = servers.database;
  for (const tenant of TENANTS)
    await db.store.credentials.put(CREDENTIAL, { tenant, environment: "prod", workflow: "data", hosts: [`${host}:${port}`] }, password);
  tools = createToolConnections({ policy: () => policy, environment: () => undefined, log: () => undefined });
  let ids = 0;
  ports = {
    brokerId: db.brokerId,
    maskSalt: SALT,
    now: () => new Date(),
    newId: (prefix) => `${prefix}_${String((ids += 1))}`,
    policy: () => policy,
    // What a token proves is tested at the verifier.
    senders: { verify: async ({ token = "" }) => ({ tenant: token.split("/")[0] ?? "", session: token }) },
    running: runningCalls(db.store),
    memory: runMemory(),
    tokens: db.store.tokens,
    labelled: labelledMemory(),
    repeats: repeatMemory(),
    readSql: readQuery,
    sessions: db.store.sessions,
    approvals: db.store.approvals,
    elevations: db.store.elevations,
    log: db.store.log,
    credentials: { ...db.store.credentials, held: async () => [] },
    tools,
  };
});
afterAll(async () => {
  await tools.close();
  await Promise.all([db.close(), servers.close()]);
});

/** Sees as its own agent may, and no more than each above it. */
interface Case {
  readonly name: string;
  readonly viewers: readonly Viewer[];
  readonly session: Session;
}

async function opened(name: string, number: number, asked: Asked, above?: Session): Promise<Session> {
  const session: Session = {
    ...PLAIN,
    id: `${asked.tenant}/${name}`,
    tenant: asked.tenant,
    environment: "prod",
    workflow: "data",
    agent: agentName(asked.tenant, number),
    user: "u-17",
    task: asked.task,
    data: asked.home === undefined ? {} : { home: asked.home },
    scope: ["things:*"],
    rows: asked.rows,
    issuedAt: new Date(),
    expiresAt: new Date(Date.now() + 240_000),
    ...(above === undefined ? {} : { grant: "token_exchange", lineage: [above.id], actors: [above.agent] }),
  };
  await db.store.sessions.create(session);
  return session;
}

/** Every third agent acts for the one before it. */
async function casesOf(batch: number): Promise<readonly Case[]> {
  const made = ruleSetsOf(batch, SETS_EACH);
  const company = companyOf(
    servers,
    made.map(({ rules }) => rules),
  );
  policy = company.policy;
  const cases: Case[] = [];
  for (const [at, number] of company.sets.entries()) {
    const own = made[number];
    const above = at % 3 === 2 ? made[company.sets[at - 1] ?? -1] : undefined;
    if (own === undefined) continue;
    const name = `batch-${String(batch)}-set-${String(number)}`;
    const asked = above === undefined ? own.asked : { ...own.asked, tenant: above.asked.tenant };
    const delegator = above === undefined ? undefined : await opened(`${name}-above`, company.sets[at - 1] ?? -1, above.asked);
    cases.push({
      name,
      viewers: [{ ...own, asked }, ...(above === undefined ? [] : [above])],
      session: await opened(name, number, asked, delegator),
    });
  }
  return cases;
}

/** How a call ends that no grant lets pass: the agent's own, or of one above it. */
const NOTHING: ReadonlySet<string> = new Set(["no_grant", "outside_delegation"]);

/** The records of an answer, in the order of their ids; what stopped the call when it was stopped. */
function recordsIn(answer: CallAnswer, at: string): readonly JsonObject[] | string {
  if (answer.kind === "refused") return NOTHING.has(answer.code) ? "refused" : `${answer.code}: ${answer.message}`;
  if (answer.kind !== "result") return JSON.stringify(answer);
  const { structuredContent, content } = answer.body;
  const value = structuredContent ?? firstJson(content);
  const rows = (value as JsonObject | undefined)?.[at];
  if (!Array.isArray(rows)) return JSON.stringify(answer.body);
  return rows.map((row: JsonObject) => tidy(row)).toSorted((a, b) => (String(a["id"]) < String(b["id"]) ? -1 : 1));
}

function firstJson(content: Json | undefined): Json | undefined {
  const texts = (Array.isArray(content) ? content : []).map((block: JsonObject) => String(block["text"]));
  const found = texts.find((text) => text.startsWith("{"));
  return found === undefined ? undefined : (JSON.parse(found) as Json);
}

/** A row of a query has its columns side by side. */
function nested(answer: readonly JsonObject[] | string): readonly JsonObject[] | string {
  if (typeof answer === "string") return answer;
  return answer.map(({ owner_name: name = null, owner_phone: phone = null, ...row }) => tidy({ ...row, owner: { name, phone } }));
}

async function seenBy({ session }: Case): Promise<Readonly<Record<keyof typeof WAYS, readonly JsonObject[] | string>>> {
  const call = (name: string, args: JsonObject = {}): Promise<CallAnswer> => handleCall(ports, incoming(session.id, name, args));
  const [mcp, http, table, query] = await Promise.all([
    call(WAYS.mcp),
    call(WAYS.http),
    call(WAYS.table),
    call(WAYS.query, { sql: "select * from thing order by id" }),
  ]);
  return {
    mcp: recordsIn(mcp, "things"),
    http: recordsIn(http, "things"),
    table: recordsIn(table, "rows"),
    query: nested(recordsIn(query, "rows")),
  };
}

test("more than 200 sets of rules show the very same records and values over MCP, HTTP, a table and a query, which are those of a naive evaluation", async () => {
  const counted = { cases: 0, delegated: 0, refused: 0, all: 0, visible: 0, treated: 0 };
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const things = thingsOf(batch, THINGS);
    await servers.keep(things);
    servers.answerAs(FORMS[batch % FORMS.length] ?? "structured");
    for (const each of await casesOf(batch)) {
      const expected = visibleTo(each.viewers, things);
      const seen = await seenBy(each);
      const why = `${each.name}: ${JSON.stringify(each.viewers)}`;
      expect(seen, why).toEqual({ mcp: expected, http: expected, table: expected, query: expected });
      counted.cases += 1;
      if (each.viewers.length > 1) counted.delegated += 1;
      if (expected === "refused") {
        counted.refused += 1;
        continue;
      }
      const whole = new Map(things.map((thing) => [thing.id, JSON.stringify(tidy(thing))]));
      counted.all += things.length;
      counted.visible += expected.length;
      counted.treated += expected.filter((record) => JSON.stringify(record) !== whole.get(String(record["id"]))).length;
    }
  }
  // The sets say something: neither is everything shown as it is, nor nothing.
  expect(counted.cases).toBeGreaterThanOrEqual(200);
  expect(counted.delegated).toBeGreaterThan(counted.cases / 5);
  expect(counted.refused).toBeLessThan(counted.cases / 4);
  expect(counted.visible / counted.all).toBeGreaterThan(0.05);
  expect(counted.visible / counted.all).toBeLessThan(0.6);
  expect(counted.treated / counted.visible).toBeGreaterThan(0.3);
  expect(counted.treated / counted.visible).toBeLessThan(0.95);
}, 240_000);
