import type { JsonObject } from "@bailiwick/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type House, rowsOf, sqlHouse } from "./house.ts";

const ROLE = `role: support
reason: two grants that show one record differently, and a deny over both
allow:
  - do: tickets:read
    id: own-region
    rows: resource.region == "emea"
    fields: { hide: [notes], mask: { ssn: partial, email: hash, balance: redact, since: partial } }
  - do: tickets:read
    id: some-more
    rows: resource.tier == 1 || resource.tier == 3 || resource has since && resource.since < datetime("2025-06-01")
    fields: { hide: [notes, extra], mask: { ssn: redact, name: partial, address: partial, active: redact } }
  - do: tickets:query
deny:
  - do: tickets:read
    rows: resource.balance == decimal("4.0") && resource.name like "B*b" && resource.tier > 2
`;

let house: House;

beforeAll(async () => {
  house = await sqlHouse({ "roles/support.yaml": ROLE });
  await house.owner.query(`
    insert into customers select 'D-' || n, case when n % 7 = 0 then 'globex' else 'acme' end, case when n % 2 = 0 then 'emea' else 'amer' end,
      case when n % 3 = 0 then 'Bob' else 'Name ' || n end, case when n % 5 <> 0 then 'user' || n || '@acme.example' end, lpad(n::text, 11, '7'),
      case when n % 4 = 0 then 4 else n * 1.25 end, n % 4, n % 3 = 0, case when n % 3 <> 0 then '2024-12-31T23:00:00.5Z'::timestamptz + n * '30 days'::interval end,
      'n', 'City ' || n, case when n % 2 = 0 then 'Z' || n end, null, jsonb_build_object('n', n)
    from generate_series(1, 40) n`);
});

afterAll(() => house.close());

/** As the columns of the table: nested fields apart, and what is hidden of one record null. */
function flat({ address, ...record }: JsonObject, columns: readonly string[]): JsonObject {
  const whole: JsonObject = { ...record, ...(address as JsonObject) };
  return Object.fromEntries(columns.map((name) => [name, whole[name] ?? null]));
}

test("a query shows of every record what the table action shows, mask by mask", async () => {
  const queried = rowsOf(await house.query("select * from customers order by id"));
  const listed = rowsOf(await house.call("list_customers"));
  const columns = Object.keys(queried[0] ?? {});
  expect(columns).not.toContain("notes");
  expect(queried.length).toBeGreaterThan(25);
  expect(queried).toEqual(listed.map((record) => flat(record, columns)));
});

test("every mask and every hiding was among them", async () => {
  const rows = rowsOf(await house.query("select * from customers"));
  const some = (holds: (row: JsonObject) => boolean): boolean => rows.some((row) => holds(row));
  expect(some(({ ssn }) => ssn === "[redacted]") && some(({ ssn }) => String(ssn).startsWith("*"))).toBe(true);
  expect(some(({ extra }) => extra === null) && some(({ extra }) => extra !== null)).toBe(true);
  expect(some(({ balance }) => balance === 0) && some(({ balance }) => balance !== 0)).toBe(true);
  expect(some(({ since }) => String(since).startsWith("*")) && some(({ since }) => String(since).startsWith("2"))).toBe(true);
});
