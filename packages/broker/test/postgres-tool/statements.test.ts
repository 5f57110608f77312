import type { JsonObject } from "@bailiwick/policy";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectPostgresTool } from "../../src/adapters/postgres-tool/connect.ts";
import { MAX_ROWS } from "../../src/adapters/postgres-tool/limits.ts";
import { ToolError } from "../../src/domain/tool.ts";
import { callIo, catalogTool, errorOf, KEY, statement, type StatementDatabase, statementDatabase } from "./support.ts";

const ACTIONS = [
  statement("get", "select id, tier from ticket where id = $1", { args: { id: "string" }, params: ["args.id"] }),
  statement("all_types", "select * from ticket order by id"),
  statement("echo", "select $1::text as value", { args: { value: "string" }, params: ["args.value"] }),
  statement("set_tier", "update ticket set tier = $2 where id = $1 returning id, tier", {
    effect: "write",
    args: { id: "string", tier: "integer" },
    params: ["args.id", "args.tier"],
  }),
  statement("nested", "select $1::text as region, $2::text as missing", {
    args: { filter: { region: "string" } },
    params: ["args.filter.region", "args.filter.nothing"],
  }),
  statement("hidden_write", "select sneaky()"),
  statement("two_statements", "select 1; delete from ticket"),
  statement("ends_transaction", "commit; delete from ticket"),
  statement("slow", "select pg_sleep(30)"),
  statement("many", "select n from generate_series(1, $1::int) n", { args: { n: "integer" }, params: ["args.n"] }),
  statement("wide", "select repeat('x', 5000) as text from generate_series(1, 100)"),
  statement("fails", "update ticket set tier = tier / 0", { effect: "write" }),
  statement("forced", "select $1::text as tenant", {
    args: { tenant: "string", "id?": "string" },
    force: { tenant: "principal.tenant" },
    params: ["args.tenant"],
  }),
  statement("fragile", "insert into fragile values ($1)", { effect: "write", args: { mode: "string" }, params: ["args.mode"] }),
  statement("bad_path", "select $1::text", { params: ["result.id"] }),
];

let db: StatementDatabase;

beforeAll(async () => {
  db = await statementDatabase(ACTIONS);
});

afterAll(() => db.close());

function run(
  name: string,
  args: JsonObject = {},
  overrides: { timeoutMs?: number; maxBytes?: number; signal?: AbortSignal; login?: StatementDatabase["login"] } = {},
) {
  return db.tool.invoke({ tool: "reports", kind: "tool", name }, args, {
    timeoutMs: overrides.timeoutMs ?? 5_000,
    maxBytes: overrides.maxBytes ?? 100_000,
    equipment: { headers: {}, environment: {}, login: overrides.login ?? db.login },
    io: callIo(overrides.signal),
  });
}

async function tiers(): Promise<unknown> {
  return (await db.owner.query("select id, tier from ticket order by id")).rows;
}

describe("reading", () => {
  test("rows come back as structured content and as the same JSON in text", async () => {
    const result = await run("get", { id: "T-1" });
    expect(result["structuredContent"]).toEqual({ rows: [{ id: "T-1", tier: 1 }], rowCount: 1 });
    expect(result["content"]).toEqual([{ type: "text", text: JSON.stringify(result["structuredContent"]) }]);
  });

  test("each column type becomes exact JSON", async () => {
    const result = await run("all_types");
    expect(result["structuredContent"]).toMatchObject({
      rows: [
        {
          id: "T-1",
          amount: 12.5,
          big: "9007199254740993",
          seen: "2026-11-23T09:00:00.000Z",
          day: "2026-11-23",
          raw: "Af8=",
          tags: { a: [1] },
        },
        { amount: null, big: 7, seen: null },
      ],
    });
  });

  test("an argument is always a value, whatever text it holds", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .oneof(fc.string(), fc.constantFrom("'; drop table ticket; --", "$1", "' or 1=1", "\\'; commit;"))
          .filter((text) => !text.includes("\u0000")),
        async (value) => {
          const result = await run("echo", { value });
          expect(result["structuredContent"]).toEqual({ rows: [{ value }], rowCount: 1 });
        },
      ),
      { numRuns: 100 },
    );
  });

  test("a nested path finds its value, and a path with nothing there binds null", async () => {
    const result = await run("nested", { filter: { region: "emea" } });
    expect(result["structuredContent"]).toMatchObject({ rows: [{ region: "emea", missing: null }] });
  });

  test("a read whose function writes fails and changes nothing", async () => {
    expect((await errorOf(run("hidden_write"))).message).toContain("25006");
    expect(await tiers()).toMatchObject([{ tier: 1 }, { tier: 2 }]);
  });

  test.each(["two_statements", "ends_transaction"])("a text with several statements is refused as a whole: %s", async (name) => {
    expect((await errorOf(run(name))).message).toContain("42601");
    expect(await tiers()).toHaveLength(2);
  });
});

describe("writing", () => {
  test("a write is committed and answers its rows", async () => {
    const result = await run("set_tier", { id: "T-2", tier: 3 });
    expect(result["structuredContent"]).toEqual({ rows: [{ id: "T-2", tier: 3 }], rowCount: 1 });
    expect(await tiers()).toMatchObject([{ tier: 1 }, { tier: 3 }]);
    await run("set_tier", { id: "T-2", tier: 2 });
  });

  test("a failing write is the database's own error and is rolled back", async () => {
    const error = await errorOf(run("fails"));
    expect(error).toBeInstanceOf(ToolError);
    expect(await tiers()).toMatchObject([{ tier: 1 }, { tier: 2 }]);
  });
});

describe("limits and faults", () => {
  test("more rows than the limit fail, exactly the limit does not", async () => {
    expect(await errorOf(run("many", { n: MAX_ROWS + 1 }))).toMatchObject({ code: "result_too_large" });
    expect(await run("many", { n: MAX_ROWS })).toMatchObject({ structuredContent: { rowCount: MAX_ROWS } });
  });

  test("more bytes than the limit fail", async () => {
    expect(await errorOf(run("wide", {}, { maxBytes: 20_000 }))).toMatchObject({ code: "result_too_large" });
  });

  test("a statement that takes too long is stopped by the database", async () => {
    const error = await errorOf(run("slow", {}, { timeoutMs: 200 }));
    expect(error).toBeInstanceOf(ToolError);
    expect(error.message).toContain("200 ms");
  });

  test("a cancelled call answers at once", async () => {
    const abort = new AbortController();
    const call = run("slow", {}, { signal: abort.signal });
    abort.abort();
    expect(await errorOf(call)).toMatchObject({ code: "cancelled" });
  });

  test("a wrong password is `tool_unavailable` and the text names neither user nor password", async () => {
    const login = { user: db.login.user, password: "wrong-secret" };
    const error = await errorOf(run("get", { id: "T-1" }, { login }));
    expect(error).toMatchObject({ code: "tool_unavailable" });
    expect(error.message).not.toMatch(/wrong-secret|user_test/);
    await run("get", { id: "T-1" });
  });

  test("a call without a login is refused before the database is asked", async () => {
    const call = db.tool.invoke(
      { tool: "reports", kind: "tool", name: "get" },
      { id: "T-1" },
      {
        timeoutMs: 1_000,
        maxBytes: 1_000,
        equipment: { headers: {}, environment: {} },
        io: callIo(),
      },
    );
    expect(await errorOf(call)).toMatchObject({ code: "credential_unavailable" });
  });

  test("a database that is gone is `tool_unavailable`", async () => {
    const tool = connectPostgresTool(KEY, catalogTool(ACTIONS), { host: "127.0.0.1", port: "1", database: "none" });
    const call = tool.invoke(
      { tool: "reports", kind: "tool", name: "get" },
      { id: "T-1" },
      {
        timeoutMs: 1_000,
        maxBytes: 1_000,
        equipment: { headers: {}, environment: {}, login: db.login },
        io: callIo(),
      },
    );
    expect(await errorOf(call)).toMatchObject({ code: "tool_unavailable" });
    await tool.close();
  });

  test("a session that the server ends mid-statement is `tool_unavailable`, and the next call works", async () => {
    const call = errorOf(run("slow"));
    for (let ended = 0; ended === 0;) {
      const { rows } = await db.owner.query<{ ended: number }>(
        "select count(pg_terminate_backend(pid))::int as ended from pg_stat_activity where usename = $1 and query like '%pg_sleep%' and state = 'active'",
        [db.login.user],
      );
      ended = rows[0]?.ended ?? 0;
    }
    expect(await call).toMatchObject({ code: "tool_unavailable" });
    await run("get", { id: "T-1" });
  });

  test("a session that dies while committing is `tool_lost`, because the change may hold", async () => {
    expect(await errorOf(run("fragile", { mode: "die" }))).toMatchObject({ code: "tool_lost" });
  });

  test("a commit that is not answered in time is `tool_timeout`", async () => {
    expect(await errorOf(run("fragile", { mode: "hang" }, { timeoutMs: 200 }))).toMatchObject({ code: "tool_timeout" });
  });

  test("a commit that the database refuses is its own error, and nothing holds", async () => {
    const error = await errorOf(run("fragile", { mode: "refuse" }));
    expect(error).toBeInstanceOf(ToolError);
    expect(error.message).toContain("not today");
    expect((await db.owner.query("select mode from fragile where mode = 'refuse'")).rows).toEqual([]);
  });

  test("a rotated password is used on the next call", async () => {
    const login = { user: db.login.user, password: "rotated" };
    await db.owner.query(`alter role ${login.user} password 'rotated'`);
    expect(await run("get", { id: "T-1" }, { login })).toMatchObject({ structuredContent: { rowCount: 1 } });
    await db.owner.query(`alter role ${login.user} password '${db.login.password}'`);
  });

  test("what a database cannot do is refused as an unknown method", async () => {
    const options = { equipment: { headers: {}, environment: {} }, signal: new AbortController().signal };
    expect(await errorOf(db.tool.complete({}, options))).toMatchObject({ name: "ToolError", code: -32601 });
    expect(await errorOf(db.tool.subscribe("kb://x", () => {}))).toMatchObject({ name: "ToolError", code: -32601 });
  });

  test("an action that the catalog does not name is refused", async () => {
    expect(await errorOf(run("drop_everything"))).toMatchObject({ name: "ToolError", code: -32602 });
    expect(await errorOf(run("bad_path"))).toMatchObject({ name: "ToolError", code: -32602 });
  });
});

describe("the listing", () => {
  test("shows each statement with its arguments as JSON Schema, without those that the broker sets", async () => {
    const { tools } = await db.tool.listing();
    expect(tools).toHaveLength(ACTIONS.length);
    expect(tools.find((tool) => tool["name"] === "forced")).toMatchObject({
      inputSchema: { type: "object", properties: { id: { type: "string" } }, required: [], additionalProperties: false },
    });
    expect(tools.find((tool) => tool["name"] === "nested")).toMatchObject({
      inputSchema: { properties: { filter: { type: "object", properties: { region: { type: "string" } }, required: ["region"] } } },
    });
    expect(JSON.stringify(tools)).not.toContain("select");
  });
});
