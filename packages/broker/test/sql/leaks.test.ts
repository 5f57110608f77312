import type { Socket } from "node:net";
import { type Connection, Pool, type PoolClient } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runStatement } from "../../src/adapters/postgres-tool/run-statement.ts";
import { testDatabase } from "../support/database.ts";
import { CATALOG, type House, rowsOf, said, sqlHouse } from "./house.ts";

/** One grant shows `ssn` of records that no SQL can tell, another shows more records without it. */
const UNSAYABLE = `role: support
reason: sees numbers of colleagues only
allow:
  - do: tickets:read
    id: colleagues
    rows: resource has email && resource.email.domain == "acme.example"
  - do: tickets:read
    id: region
    rows: resource.region == "emea"
    fields: { hide: [ssn] }
  - do: tickets:query
  - do: tickets:orders
`;

const withRole = (role: string): Promise<House> => sqlHouse({ "roles/support.yaml": role });

describe("a field that only some records show", () => {
  let house: House;
  beforeAll(async () => {
    house = await withRole(UNSAYABLE);
  });
  afterAll(() => house.close());

  test("is not searched by where SQL cannot tell which records those are", async () => {
    expect(rowsOf(await house.call("list_customers", { region: "emea" })).map(({ id }) => id)).toEqual(["C-1", "C-2"]);
    expect(said(await house.call("list_customers", { ssn: "987-65-4321" }))).toMatch(/^-32602/);
  });
});

describe("of many records, what the planner expects", () => {
  let house: House;
  beforeAll(async () => {
    house = await sqlHouse();
    await house.owner.query(`
      insert into customers (id, tenant, region, name, balance, tier, active, city)
        select 'P-' || n, 'acme', case when n % 2 = 0 then 'emea' else 'amer' end, 'x', 1, 1, true, case when n % 2 = 0 then 'Shown' else 'Concealed' end
        from generate_series(1, 4000) n;
      analyze customers`);
  });
  afterAll(() => house.close());

  test("is no reason to cut a list: more records than may be fail", async () => {
    expect(said(await house.call("list_customers", { limit: 5_000 }))).toMatch(/more than 1000 rows/);
  });

  test("of an agent's condition does not follow from records that it does not see", async () => {
    const asked = async (city: string): Promise<unknown> =>
      rowsOf(await house.query("select count(*) as n from customers c, generate_series(1, 10000) where c.city = $1", [city]));
    expect(await asked("Concealed")).toEqual([{ n: 0 }]);
    expect(await asked("Nowhere")).toEqual([{ n: 0 }]);
  });
});

describe("the rules of the read", () => {
  const role = (read: string, query: string, more = ""): string =>
    `role: support\nreason: works\nallow:\n  - { do: tickets:read${read} }\n  - { do: tickets:query${query} }\n${more}`;
  const CONTENT = ", content: { results: [{ find: [email], do: redact }] }";
  const answer = async (text: string, gates?: string): Promise<string> => {
    const house = await sqlHouse({ "roles/support.yaml": text, ...(gates === undefined ? {} : { "gates.yaml": gates }) });
    try {
      return said(await house.query("select email as e from customers where id = 'C-1'"));
    } finally {
      await house.close();
    }
  };

  test("about the texts of results make a query refused that would show them otherwise", async () => {
    expect(await answer(role(CONTENT, ""))).toMatch(/^statement_refused .*texts/);
  });
  test("that ask people about large results make a query refused, which does not tell how many records it reads", async () => {
    const large = `gates:
  - { gate: many, reason: many at once, on: { do: ["tickets:read"], recordsOver: 3 }, require: { approve: { by: [support-lead] } } }
`;
    expect(await answer(role("", ""), large)).toMatch(/^statement_refused .*more than 3 records/);
  });
  test("about the texts of results hold for a query that is under the same", async () => {
    expect(await answer(role(CONTENT, CONTENT))).toMatch(/^result .*"e":"\[redacted\]"/);
  });
});

describe("values with a label", () => {
  test("that a query showed are known to the rules about what must not be sent", async () => {
    const house = await sqlHouse({
      "tools/tickets.yaml": CATALOG.replace('is: "tickets:read", effect: read,', "$& labels: { email: [pii] },"),
      "roles/support.yaml": `role: support
reason: works
allow:
  - do: tickets:read
  - do: tickets:query
  - do: tickets:update
    content: { arguments: [{ find: ["@pii"], do: refuse }] }
`,
    });
    try {
      const named = async (): Promise<string> => said(await house.call("update_customer", { id: "C-2", name: "of ada@acme.example" }));
      rowsOf(await house.query("select lower(email) as x from customers where id = 'C-1'"));
      expect(await named()).toMatch(/^content_refused .*labelled `pii`/);
    } finally {
      await house.close();
    }
  });
});

describe("an answer that is too large", () => {
  test("is not taken over the line, however few rows it has", async () => {
    const database = await testDatabase();
    const pool = new Pool({ connectionString: database.databaseUrl });
    pool.on("connect", (each) => each.on("error", () => {}));
    const client = await pool.connect();
    // unsafe: the driver's client has its connection, which its types leave out.
    const stream = (client as PoolClient & { readonly connection: Connection }).connection.stream as Socket;
    const plan = { text: "select repeat('x', 64000000) as v", values: [], readOnly: true, settings: {}, maxRows: 5, tells: "all" } as const;
    try {
      const { signal } = new AbortController();
      await expect(runStatement(client, plan, { timeoutMs: 20_000, maxBytes: 1_000, signal })).rejects.toMatchObject({
        code: "result_too_large",
      });
      expect(stream.bytesRead).toBeLessThan(4_000_000);
    } finally {
      client.release(true);
      await pool.end();
      await database.close();
    }
  });
});

describe("values that JSON has no numbers or dates for", () => {
  let house: House;
  beforeAll(async () => {
    house = await sqlHouse();
  });
  afterAll(() => house.close());
  const value = async (sql: string): Promise<unknown> => rowsOf(await house.query(`select ${sql} as v from customers limit 1`))[0]?.["v"];

  test.each([
    ["'NaN'::numeric", "NaN"],
    ["'Infinity'::float8", "Infinity"],
    ["interval '1 day 2 hours'", "P1DT2H"],
    ["array['2026-05-01'::date, null]", ["2026-05-01", null]],
    ["array[9007199254740993::int8, 1]", ["9007199254740993", 1]],
    ["array['2026-05-01T00:00:00Z'::timestamptz]", ["2026-05-01T00:00:00.000Z"]],
    ["array['NaN'::float8, 1.5]", ["NaN", 1.5]],
  ])("keep their text: %s", async (sql, expected) => {
    expect(await value(sql)).toEqual(expected);
  });
});

describe("parameters", () => {
  let house: House;
  beforeAll(async () => {
    house = await sqlHouse();
  });
  afterAll(() => house.close());

  test("with a gap between their numbers are refused, and those of the views are not told", async () => {
    expect(said(await house.query("select $2::text as a from customers", [1, 2]))).toMatch(/^statement_refused .*`\$1`: it is not used/);
  });
});
