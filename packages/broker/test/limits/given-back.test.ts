import type { JsonObject } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fault } from "../../src/domain/fault.ts";
import { ToolError } from "../../src/domain/tool.ts";
import { asOwner } from "../support/as-owner.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { type Till, till, tillPolicy } from "./till.ts";

let db: TestStore;
beforeAll(async () => {
  db = await testStore();
});
afterAll(() => db.close());

const ONE = "{ perHour: 1, costPerDay: 5, costPerMonth: 5, recordsPerDay: 1, concurrent: 1 }";

describe("of a call", () => {
  test.each([
    ["that never reached the tool nothing stays drawn", "mark", new Fault("tool_unavailable", "it is away"), "result"],
    [
      "whose tool answered with an error all stays drawn, since the tool may have acted",
      "look",
      new ToolError(-32_000, "no"),
      "rate_limited",
    ],
    ["whose outcome is unknown all stays drawn", "notify", new Fault("tool_lost", "the line broke"), "rate_limited"],
  ])("%s", async (_, name, failure, then) => {
    const shop = await till(db.store, tillPolicy(ONE));
    const args = { mark: { ids: ["a"] }, look: { rows: 0 }, notify: { to: ["a@x.example"] } }[name] ?? {};
    const { answer } = shop.tool;
    shop.tool.answer = () => {
      throw failure;
    };
    expect((await shop.call(name, args)).kind).not.toBe("result");
    shop.tool.answer = answer;
    const next = await shop.call(name, args);
    expect(next.kind === "refused" ? next.code : next.kind).toBe(then);
  });

  test("that pays and fails at the tool, its money counts as spent", async () => {
    const shop = await till(db.store, tillPolicy("{ costPerDay: 5 }"));
    shop.tool.answer = () => ({ content: [{ type: "text", text: "the bank did not answer in time" }], isError: true });
    await shop.call("charge", { amount: 3 });
    expect(await shop.call("charge", { amount: 3, no: 1 })).toMatchObject({ kind: "refused", code: "rate_limited" });
    expect(await shop.call("charge", { amount: 2 })).toMatchObject({ kind: "result" });
  });

  test("that can never fit is refused before anything is asked", async () => {
    const shop = await till(db.store, tillPolicy("{ recipientsPerDay: 2, cost: 10 }"));
    expect(await shop.call("notify", { to: ["a@x.example", "b@x.example, c@x.example"] })).toMatchObject({
      code: "records_exceeded",
      message: "this call takes 3 recipients and the limit is 2 recipients per day; ask for less",
    });
    expect(await shop.call("charge", { amount: 10.01 })).toMatchObject({
      code: "records_exceeded",
      message: expect.stringContaining("the call costs 10.01 and at most 10 is permitted"),
      next: [{ kind: "narrow", field: "args.amount", allowed: [10] }],
    });
    expect(shop.tool.effects).toEqual([]);
  });
});

describe("a place of `concurrent` is free again", () => {
  const one = tillPolicy("{ concurrent: 1 }", {
    gates: "[{ gate: dear, reason: much money, on: { effect: [pay] }, require: { limits: { costPerDay: 5 } } }]",
  });
  const held = async (): Promise<number> => {
    const { rows } = await asOwner(db.databaseUrl, "select count(*)::int as held from bailiwick.open_calls where leases is not null");
    return Number(rows[0]?.["held"]);
  };

  test.each<[string, string, (shop: Till) => Promise<unknown>]>([
    ["that the store refused with its intent", "charge", (shop) => shop.call("charge", { amount: 5 })],
    ["that the tool refused", "mark", fails(new ToolError(-32_000, "no"))],
    ["that was never sent", "mark", fails(new Fault("tool_unavailable", "it is away"))],
    ["whose end nobody knows", "mark", fails(new Fault("tool_lost", "the line broke"))],
    ["that met a defect on its way out", "mark", fails(new TypeError("a defect"))],
    ["whose result cannot be cleaned", "look", answers({ structuredContent: deep(5_000), content: [] })],
  ])("after a call %s", async (_, name, prepare) => {
    const shop = await till(db.store, one);
    const { answer } = shop.tool;
    await prepare(shop);
    await shop.call(name, { charge: { amount: 3 }, mark: { ids: ["a"] }, look: { rows: 1 } }[name] ?? {});
    expect(await held()).toBe(0);
    shop.tool.answer = answer;
    expect(await shop.call("mark", { ids: ["b"] })).toMatchObject({ kind: "result" });
  });

  test("after a call that broke before it was sent", async () => {
    const lines: { broken?: TypeError } = {};
    const shop = await till(db.store, one, {}, (ports) => ({
      ...ports,
      tools: {
        ...ports.tools,
        connect: (...key) => (lines.broken === undefined ? ports.tools.connect(...key) : Promise.reject(lines.broken)),
      },
    }));
    await shop.call("mark", { ids: ["a"] });
    lines.broken = new TypeError("a defect");
    expect(await shop.call("mark", { ids: ["b"] })).toMatchObject({ kind: "refused", code: "internal_fault" });
    expect(await held()).toBe(0);
  });
});

function fails(failure: Error): (shop: Till) => Promise<void> {
  return ({ tool }) => {
    tool.answer = () => {
      throw failure;
    };
    return Promise.resolve();
  };
}

function answers(body: JsonObject): (shop: Till) => Promise<void> {
  return ({ tool }) => {
    tool.answer = () => body;
    return Promise.resolve();
  };
}

function deep(levels: number): JsonObject {
  let value: JsonObject = {};
  for (let level = 0; level < levels; level += 1) value = { rows: value };
  return value;
}
