import { maskValue } from "@bailiwick/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type House, rowsOf, said, sqlHouse } from "./house.ts";

let house: House;

beforeAll(async () => {
  house = await sqlHouse();
});

afterAll(() => house.close());

describe("a query", () => {
  test("sees the rows and the columns that its agent may see, as the agent may see them", async () => {
    const rows = rowsOf(await house.query("select * from customers order by id"));
    expect(rows).toEqual([
      {
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
        city: "Paris",
        zip: "75001",
        tags: ["vip", "old"],
        extra: { a: 1 },
      },
      expect.objectContaining({ id: "C-2", email: null, ssn: "*******4321", balance: 4, zip: null }),
    ]);
  });

  test("may join, group, order, nest, and use windows over what it sees", async () => {
    const rows = rowsOf(
      await house.query(`
        with spent as (select customer, sum(total) as total from orders group by customer)
        select c.name, coalesce(s.total, 0) as total, rank() over (order by s.total desc) as place,
          (select count(*) from customers) as seen, case when c.active then 'yes' else 'no' end as active
        from customers as c left join spent s on s.customer = c.id
        where exists (select 1 from orders o where o.customer = c.id) and c.city in ('Paris', 'Rome')
        order by place`),
    );
    expect(rows).toEqual([
      { name: "Bob", total: 200, place: 1, seen: 2, active: "no" },
      { name: "Ada", total: 100, place: 2, seen: 2, active: "yes" },
    ]);
  });

  test("takes values beside its text", async () => {
    expect(rowsOf(await house.query("select id from customers where tier = $1 and name = $2", [1, "Ada"]))).toEqual([{ id: "C-1" }]);
    expect(rowsOf(await house.query("select id from customers where id = any($1::text[]) order by id", [["C-2", "C-3"]]))).toEqual([
      { id: "C-2" },
    ]);
    expect(said(await house.query("select id from customers where tier = $1"))).toMatch(
      /^statement_refused .* takes 1 parameters and `params` holds 0/,
    );
  });

  test("may call rows out of values in `from`, also beside a table", async () => {
    expect(rowsOf(await house.query("select n, c.id from generate_series(1, 2) n, customers c where c.tier = n order by n"))).toEqual([
      { n: 1, id: "C-1" },
      { n: 2, id: "C-2" },
    ]);
    expect(
      rowsOf(await house.query("select t.tag, t.at from customers c, unnest(c.tags) with ordinality as t(tag, at) order by at")),
    ).toEqual([
      { tag: "vip", at: 1 },
      { tag: "old", at: 2 },
    ]);
    expect(rowsOf(await house.query("select unnest from customers c, unnest(c.tags) order by 1"))).toEqual([
      { unnest: "old" },
      { unnest: "vip" },
    ]);
  });

  test("with more rows than may be fails and is not cut", async () => {
    expect(said(await house.query("select n from customers, generate_series(1, 60) n"))).toMatch(/more than 50 rows/);
  });

  test("that names two columns alike is told, and loses neither silently", async () => {
    expect(said(await house.query("select c.id, o.id from customers c join orders o on o.customer = c.id"))).toMatch(
      /two columns of the result are called `id`/,
    );
  });

  test("runs under the settings that the database's own rules may read", async () => {
    await house.owner.query(
      `create view who as select current_setting('bailiwick.tenant') || ' ' || current_setting('bailiwick.user') as said`,
    );
    const { tenant, user } = house.session;
    await house.owner.query(`
      alter table orders enable row level security;
      create policy mine on orders using (tenant = current_setting('bailiwick.tenant', true) and '${user}' = current_setting('bailiwick.user', true))`);
    try {
      expect(rowsOf(await house.query("select id from orders order by id")).map(({ id }) => id)).toEqual([1, 2]);
      expect(tenant).toBe("acme");
      await house.owner.query("alter policy mine on orders using (tenant = 'globex')");
      expect(rowsOf(await house.query("select id from orders"))).toEqual([]);
    } finally {
      await house.owner.query("alter table orders disable row level security; drop view who");
    }
  });

  test("acts as the role that the catalog names", async () => {
    await house.owner.query(
      `create role "narrow ${house.login}" nologin; grant "narrow ${house.login}" to ${house.login}; grant select on orders to "narrow ${house.login}"`,
    );
    const narrow = house.connectAs(`narrow ${house.login}`);
    try {
      expect(await narrow.query("select count(*) as n from orders")).toMatchObject({ rows: [{ n: 2 }] });
      await expect(narrow.query("select count(*) as n from customers")).rejects.toThrow(/42501/);
    } finally {
      await narrow.close();
      await house.owner.query(`drop owned by "narrow ${house.login}"; drop role "narrow ${house.login}"`);
    }
  });

  test("learns of a mistake in its own text what is wrong, and of its values nothing", async () => {
    expect(said(await house.query("select nothing from customers"))).toMatch(/42703.*"nothing" does not exist/);
    expect(said(await house.query("select name::int4 from customers"))).toMatch(/22P02.*a value does not fit/);
    expect(said(await house.query("select name::int4 from customers"))).not.toMatch(/Ada|Bob/);
  });
});
