import { type JsonObject, maskValue, type RowExpression, type RowType, type RowValue, selects } from "@bailiwick/policy";
import * as fc from "fast-check";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newBinds } from "../../src/adapters/sql/bind.ts";
import type { Column } from "../../src/adapters/sql/columns.ts";
import { hashSalt, maskedSql } from "../../src/adapters/sql/mask-sql.ts";
import { rowSql } from "../../src/adapters/sql/row-sql.ts";
import { JSON_TYPES } from "../../src/adapters/postgres-tool/values.ts";
import { testDatabase, type TestDatabase } from "../support/database.ts";

const COLUMNS: readonly Column[] = [
  { field: "text", type: "string", name: "a text", kind: "text" },
  { field: "more.text", type: "string", name: "other", kind: "text" },
  { field: "flag", type: "boolean", name: "flag", kind: "boolean" },
  { field: "small", type: "integer", name: "small", kind: "integer" },
  { field: "large", type: "integer", name: "large", kind: "bigint" },
  { field: "exact", type: "decimal", name: "exact", kind: "numeric" },
  { field: "rough", type: "decimal", name: "rough", kind: "float" },
  { field: "moment", type: "datetime", name: "moment", kind: "timestamptz" },
  { field: "day", type: "datetime", name: "day", kind: "date" },
];

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await testDatabase();
  client = new Client({ connectionString: database.databaseUrl });
  await client.connect();
  await client.query(
    `create table record (id int primary key, "a text" varchar, other text, flag bool, small int2, large int8, exact numeric, rough float8, moment timestamptz, day date)`,
  );
});

afterAll(async () => {
  await client.end();
  await database.close();
});

const texts = fc.oneof(
  fc.constantFrom("", "a", "b", "ab", "a%b", "a_b", "a\\b", "%", "\\", "A", "ä", "a\u0308", "😀", "'; --", "\ufffd", "a\nb"),
  fc.string({ unit: "grapheme", maxLength: 4 }).filter((text) => !text.includes("\u0000")),
);
const strange = fc.constantFrom("a\u0000", "\ud800");
const integers = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(32_767, -32_768));
const longs = fc.oneof(
  fc.integer({ min: -3, max: 3 }).map(String),
  fc.constantFrom("9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740992", "9223372036854775807"),
);
const decimals = fc.constantFrom(
  "0",
  "1",
  "1.5",
  "1.5000",
  "-0.0001",
  "0.00001",
  "12.3456",
  "12.34567",
  "922337203685477",
  "922337203685478",
  "900000000000000.1234",
  "1e40",
);
const floats = fc.constantFrom("0", "-0", "1.5", "0.1", "12.3456", "0.00001", "1e300", "Infinity", "NaN", "922337203685477");
const moments = fc.constantFrom(
  "2026-01-02T03:04:05Z",
  "2026-01-02T03:04:05.123Z",
  "2026-01-02T03:04:05.123999Z",
  "1969-12-31T23:59:59.999999Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999Z",
  "2026-01-02T00:00:00Z",
);
const days = fc.constantFrom("2026-01-02", "2026-01-03", "0001-01-01", "9999-12-31");
const orNull = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null, freq: 5 });

const rows = fc.record({
  "a text": orNull(texts),
  other: orNull(texts),
  flag: orNull(fc.boolean()),
  small: orNull(integers),
  large: orNull(longs),
  exact: orNull(decimals),
  rough: orNull(floats),
  moment: orNull(moments),
  day: orNull(days),
});

const value = (type: RowType): fc.Arbitrary<RowValue> => {
  switch (type) {
    case "boolean":
      return fc.boolean().map((of) => ({ type, value: of }));
    case "string":
      return fc.oneof({ arbitrary: texts, weight: 8 }, { arbitrary: strange, weight: 1 }).map((text) => ({ type, text }));
    case "integer":
      return longs.map((text) => ({ type, text }));
    case "decimal":
      return fc
        .constantFrom("0.0", "1.5", "-0.0001", "12.3456", "922337203685477.0", "900000000000000.1234")
        .map((text) => ({ type, text }));
    case "datetime":
      return fc
        .constantFrom(
          "2026-01-02T03:04:05.000Z",
          "2026-01-02T03:04:05.123Z",
          "2026-01-02T00:00:00.000Z",
          "0000-03-01T00:00:00.000Z",
          "1969-12-31T23:59:59.999Z",
        )
        .map((text) => ({ type, text }));
  }
};

const fieldsOf = (type: RowType): readonly string[] => COLUMNS.filter((column) => column.type === type).map(({ field }) => field);
const types = fc.constantFrom<RowType>("string", "boolean", "integer", "decimal", "datetime");

const leaf: fc.Arbitrary<RowExpression> = fc.oneof(
  fc.constantFrom<RowExpression>({ op: "true" }, { op: "false" }),
  fc.tuple(types, fc.constantFrom("eq", "lt", "le")).chain(([type, op]) => {
    const operand = fc.oneof(
      fc.constantFrom(...fieldsOf(type)).map((field) => ({ field, type })),
      value(type).map((of) => ({ value: of })),
    );
    return fc.record({ op: fc.constant(type === "string" ? ("eq" as const) : (op as "eq")), left: operand, right: operand });
  }),
  types.chain((type) =>
    fc.record({
      op: fc.constant("in" as const),
      field: fc.constantFrom(...fieldsOf(type)),
      values: fc.array(value(type), { minLength: 1, maxLength: 3 }),
    }),
  ),
  fc.record({
    op: fc.constant("like" as const),
    field: fc.constantFrom("text", "more.text"),
    pattern: fc.array(fc.oneof({ arbitrary: texts, weight: 8 }, { arbitrary: strange, weight: 1 }), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ op: fc.constant("isNull" as const), field: fc.constantFrom(...COLUMNS.map(({ field }) => field)) }),
);

const { expression } = fc.letrec<{ expression: RowExpression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, depthIdentifier: "row" },
    leaf,
    fc.record({ op: fc.constantFrom("and" as const, "or" as const), of: fc.array(tie("expression"), { maxLength: 3 }) }),
    fc.record({ op: fc.constant("not" as const), of: tie("expression") }),
  ),
}));

describe("a condition in SQL", () => {
  test("selects exactly the records that the expression selects, read as the tool answers them", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rows, { minLength: 1, maxLength: 8 }),
        fc.array(expression, { minLength: 6, maxLength: 6 }),
        async (list, expressions) => {
          await client.query("truncate record");
          for (const [id, row] of list.entries()) {
            await client.query(`insert into record values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, [id, ...Object.values(row)]);
          }
          await client.query("set timezone to 'UTC'");
          const read = await client.query({ text: "select * from record order by id", types: JSON_TYPES });
          await client.query("set timezone to 'Asia/Kathmandu'");
          const records = read.rows.map((row: JsonObject): JsonObject => ({ ...named(row), id: row["id"] ?? null }));
          for (const asked of expressions) {
            const binds = newBinds();
            const where = rowSql(asked, { alias: "r", columns: COLUMNS, binds });
            const found = await client.query({ text: `select id from record as r where ${where} order by id`, values: [...binds.values] });
            const expected = records.filter((record) => selects(asked, record)).map(({ id }) => id);
            expect({ asked, found: found.rows.map(({ id }: { id: number }) => id) }).toEqual({ asked, found: expected });
          }
        },
      ),
      { numRuns: 120 },
    );
  });
});

function named(row: JsonObject): JsonObject {
  const of = (name: string): JsonObject[string] => row[name] ?? null;
  return {
    text: of("a text"),
    more: { text: of("other") },
    ...Object.fromEntries(COLUMNS.slice(2).map(({ field, name }) => [field, of(name)])),
  };
}

describe("a mask in SQL", () => {
  const masked = fc.oneof(
    fc.constantFrom(
      "ada@acme.example",
      "@x",
      "a@",
      "a b@c",
      "a\u00a0@c",
      "x@y@z",
      "12345678",
      "1234567",
      "",
      "😀😀😀😀😀😀😀😀",
      "😀@x",
      "é@\u3000",
    ),
    fc.string({ unit: "grapheme", maxLength: 14 }).filter((text) => !text.includes("\u0000")),
  );
  test.each(["redact", "partial", "hash", "token"] as const)("gives what the broker's own gives: %s", async (mask) => {
    await fc.assert(
      fc.asyncProperty(masked, async (text) => {
        const binds = newBinds();
        const place = `${binds.add(text)}::text`;
        const sql = maskedSql(place, "text", mask, hashSalt("sält", binds));
        const { rows: found } = await client.query({ text: `select ${sql} as v`, values: [...binds.values] });
        expect(found[0]).toEqual({ v: maskValue(text, mask, "field", { salt: "sält" }) });
      }),
      { numRuns: 150 },
    );
  });
  test.each(["text", "number", "boolean"] as const)("leaves null as it is: %s", async (of) => {
    const binds = newBinds();
    const type = { text: "text", number: "int4", boolean: "bool" }[of];
    const sql = maskedSql(`null::${type}`, of, "partial", hashSalt("s", binds));
    expect((await client.query(`select ${sql} as v`)).rows).toEqual([{ v: null }]);
  });
});
