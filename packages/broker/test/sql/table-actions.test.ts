import { type JsonObject, maskValue } from "@bailiwick/policy";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { handleCall } from "../../src/call/handle-call.ts";
import type { Expectation } from "../../src/domain/undo.ts";
import { incoming } from "../call/support.ts";
import { type House, recordOf, rowsOf, said, sqlHouse } from "./house.ts";

let house: House;

beforeAll(async () => {
  house = await sqlHouse();
});

afterAll(() => house.close());

const stored = async (id: string): Promise<unknown> => (await house.owner.query("select * from customers where id = $1", [id])).rows[0];

describe("select", () => {
  test("answers the records that the agent may see, nested as their type says", async () => {
    const rows = rowsOf(await house.call("list_customers"));
    expect(rows.map(({ id }) => id)).toEqual(["C-1", "C-2"]);
    expect(rows[0]).toEqual({
      id: "C-1",
      tenant: "acme",
      region: "emea",
      name: "Ada",
      email: maskValue("ada@acme.example", "hash", "email", { salt: house.ports.maskSalt }),
      ssn: "*******6789",
      balance: 10.5,
      tier: 1,
      active: true,
      since: "2026-01-02T03:04:05.000Z",
      address: { city: "Paris", zip: "75001" },
      tags: ["vip", "old"],
      extra: { a: 1 },
    });
  });

  test("of one key answers that record, and says when there is none to see", async () => {
    expect(recordOf(await house.call("get_customer", { id: "C-2" }))["name"]).toBe("Bob");
    for (const id of ["C-3", "C-4", "C-9"]) {
      const answer = await house.call("get_customer", { id });
      expect(answer.kind === "result" && answer.body["isError"]).toBe(true);
      expect(JSON.stringify(answer)).not.toContain("hidden-marker");
    }
  });

  test("goes on after a key", async () => {
    expect(rowsOf(await house.call("list_customers", { limit: 1 })).map(({ id }) => id)).toEqual(["C-1"]);
    expect(rowsOf(await house.call("list_customers", { limit: 1, after: "C-1" })).map(({ id }) => id)).toEqual(["C-2"]);
    expect(rowsOf(await house.call("list_customers", { limit: 1, after: "C-2" }))).toEqual([]);
  });

  test("finds by a field that is shown, and by no field that is masked or hidden", async () => {
    expect(rowsOf(await house.call("list_customers", { region: "emea" }))).toHaveLength(2);
    expect(rowsOf(await house.call("list_customers", { region: "amer" }))).toEqual([]);
    for (const args of [{ ssn: "123-45-6789" }, { notes: "hidden-marker" }]) {
      expect(said(await house.call("list_customers", args))).toMatch(/^-32602/);
    }
  });
});

describe("update", () => {
  test("writes the fields that are given, nested ones too, and answers the record", async () => {
    const answer = await house.call("update_customer", {
      id: "C-2",
      name: "Rob",
      address: { city: "Milan", zip: "20121" },
      extra: [1, { b: "'" }],
      tags: ["a,b", '"c"'],
      since: "2026-02-03T04:05:06+02:00",
    });
    expect(recordOf(answer)).toMatchObject({
      name: "Rob",
      address: { city: "Milan", zip: "20121" },
      tags: ["a,b", '"c"'],
      extra: [1, { b: "'" }],
    });
    expect(await stored("C-2")).toMatchObject({
      name: "Rob",
      city: "Milan",
      tags: ["a,b", '"c"'],
      since: new Date("2026-02-03T02:05:06Z"),
      notes: "hidden-marker",
    });
  });

  test("writes null, and leaves what is not given", async () => {
    await house.call("update_customer", { id: "C-2", ssn: "987-65-4321" });
    await house.call("update_customer", { id: "C-2", extra: null });
    expect(await stored("C-2")).toMatchObject({ extra: null, ssn: "987-65-4321" });
  });

  test.each(["C-3", "C-4"])("does not touch what the agent may not: %s", async (id) => {
    const before = await stored(id);
    expect(said(await house.call("update_customer", { id, name: "stolen" }))).toMatch(/row_not_permitted|cross_tenant/);
    expect(await stored(id)).toEqual(before);
  });

  test("may move a record out of the agent's rows, which are asked of the record as it was; the agent is not shown where it went", async () => {
    try {
      const answer = await house.call("update_customer", { id: "C-2", region: "amer" });
      expect(answer.kind).toBe("result");
      expect(JSON.stringify(answer)).not.toContain("hidden-marker");
      expect(await stored("C-2")).toMatchObject({ region: "amer" });
      expect(said(await house.call("update_customer", { id: "C-2", region: "emea" }))).toMatch(/^row_not_permitted/);
    } finally {
      await house.owner.query("update customers set region = 'emea' where id = 'C-2'");
    }
  });

  test("checks the record again in the moment of the change", async () => {
    const moved = Promise.withResolvers<unknown>();
    // Between the decision and the effect the record leaves the agent's region.
    house.before(async () => moved.resolve(await house.owner.query("update customers set region = 'amer' where id = 'C-1'")));
    try {
      const answer = await house.call("update_customer", { id: "C-1", name: "late" });
      await moved.promise;
      expect(answer.kind).toBe("tool_error");
      expect(await stored("C-1")).toMatchObject({ name: "Ada", region: "amer" });
    } finally {
      house.before(undefined);
      await house.owner.query("update customers set region = 'emea' where id = 'C-1'");
    }
  });
});

describe("insert", () => {
  const args = { id: "C-7", region: "emea", name: "Eve", balance: 0, tier: 1, active: true, address: { city: "Oslo" } };
  test("makes the record in the agent's own tenant", async () => {
    expect(recordOf(await house.call("add_customer", args))).toMatchObject({
      id: "C-7",
      tenant: "acme",
      address: { city: "Oslo", zip: null },
    });
    expect(await stored("C-7")).toMatchObject({ tenant: "acme", city: "Oslo" });
  });
  test("a second time fails with the rule that it breaks, and without a value", async () => {
    const answer = await house.call("add_customer", args);
    expect(answer.kind).toBe("tool_error");
    expect(JSON.stringify(answer)).not.toContain("C-7)");
  });
  test("of a record that the session may not touch is refused before it is sent", async () => {
    const bound = { ...house.session, rows: [{ Customer: { id: ["C-1"] } }] };
    expect(said(await house.callAs(bound, "add_customer", { ...args, id: "C-8" }))).toMatch(/^outside_session_scope/);
  });
  test("of a record that the view does not show is rolled back by the tool itself", async () => {
    const rows = { op: "eq", left: { field: "region", type: "string" }, right: { value: { type: "string", text: "amer" } } } as const;
    const view = {
      type: "Customer",
      layers: [{ base: rows, grants: [{ rows: { op: "true" } as const, fields: new Map() }] }],
      unpushed: [],
    };
    await expect(house.invoke("add_customer", { ...args, id: "C-8", tenant: "acme" }, new Map([["customers", view]]))).rejects.toThrow(
      /none that this agent may touch/,
    );
    expect(await stored("C-8")).toBeUndefined();
  });
  test.each(["add_customer", "update_customer", "delete_customer"])("without a view of the table nothing is sent: %s", async (name) => {
    await expect(house.invoke(name, { ...args, id: "C-1" }, undefined)).rejects.toThrow(/was not sent/);
  });
});

describe("delete", () => {
  test("answers the record as it was", async () => {
    expect(recordOf(await house.call("delete_customer", { id: "C-7" }))).toMatchObject({ id: "C-7", name: "Eve" });
    expect(await stored("C-7")).toBeUndefined();
  });
  test.each(["C-3", "C-4"])("does not touch what the agent may not: %s", async (id) => {
    expect(said(await house.call("delete_customer", { id }))).toMatch(/row_not_permitted|cross_tenant/);
    expect(await stored(id)).toBeDefined();
  });
});

describe("a change that takes another one back", () => {
  const record = { id: "C-1", name: "Ada", region: "emea", balance: 10.5, since: "2026-01-02T03:04:05.000Z" };
  const undo = async (name: string, args: JsonObject, fields: Expectation["fields"]): Promise<string> => {
    const whole = recordOf(await house.call("get_customer", { id: "C-1" }));
    const raw = { ...whole, ...record, ssn: "123-45-6789", email: "ada@acme.example", notes: "hidden-marker" };
    return said(await handleCall(house.ports, { ...incoming(house.session.id, name, args), expects: { record: raw, fields } }));
  };
  const meanwhile = (sql: string): void => house.before(async () => void (await house.owner.query(sql)));
  afterEach(async () => {
    house.before(undefined);
    await house.owner.query("update customers set name = 'Ada', tier = 1 where id = 'C-1'");
  });

  test("happens to the record as it was left", async () => {
    expect(await undo("update_customer", { id: "C-1", name: "Eda" }, "written")).toMatch(/^result/);
    expect(await stored("C-1")).toMatchObject({ name: "Eda" });
  });
  test("does not happen to a record that another changes between the decision and the change", async () => {
    meanwhile("update customers set name = 'Zoe' where id = 'C-1'");
    expect(await undo("update_customer", { id: "C-1", name: "Eda" }, "written")).toMatch(/^record_changed .*`name`/);
    expect(await stored("C-1")).toMatchObject({ name: "Zoe" });
  });
  test("leaves be what others change in fields that it does not write", async () => {
    meanwhile("update customers set tier = 7 where id = 'C-1'");
    expect(await undo("update_customer", { id: "C-1", name: "Eda" }, "written")).toMatch(/^result/);
    expect(await stored("C-1")).toMatchObject({ name: "Eda", tier: 7 });
  });
  test("removes no record that another changes between the decision and the change", async () => {
    meanwhile("update customers set tier = 7 where id = 'C-1'");
    expect(await undo("delete_customer", { id: "C-1" }, "every")).toMatch(/^record_changed .*`tier`/);
    expect(await stored("C-1")).toBeDefined();
  });
});

test("a change answers values in the same form whatever the login's own settings are", async () => {
  const house = await sqlHouse();
  await house.owner.query(`alter role ${house.login} set datestyle = 'SQL, DMY'`);
  try {
    const since = recordOf(await house.call("update_customer", { id: "C-1", name: "Ada" }))["since"];
    expect(since).toBe("2026-01-02T03:04:05.000Z");
  } finally {
    await house.close();
  }
});
