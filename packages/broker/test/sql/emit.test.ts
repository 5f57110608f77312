import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmittedSql, emitSql, roleOf } from "../../src/emit-sql.ts";
import { testPolicy } from "../call/support.ts";
import { CATALOG, type House, rowsOf, sqlHouse, WITHOUT_HEALTH } from "./house.ts";

const ROLE = `role: support
reason: works with the customers of its region
allow:
  - do: tickets:read
    id: own-region
    rows: resource.region == "emea"
    fields: { hide: [notes], mask: { ssn: partial, email: redact, balance: redact } }
  - do: tickets:read
    id: small-ones
    rows: resource.tier == 1 || resource has since && resource.since < datetime("2025-06-01")
    fields: { hide: [notes, extra], mask: { ssn: redact, address: partial } }
  - do: tickets:orders
  - do: tickets:query
deny:
  - do: tickets:read
    rows: resource.balance == decimal("4.0") && resource.name like "B*b"
`;

let house: House;

beforeAll(async () => {
  house = await sqlHouse({ "roles/support.yaml": ROLE });
  await house.owner.query("alter table orders alter placed type timestamptz");
});

afterAll(async () => {
  const role = roleOf(emitted().agent);
  await house.owner.query(`drop owned by "${role}" cascade; drop schema if exists "${role}" cascade; drop role "${role}"`);
  await house.close();
});

const emitted = () => {
  const [tool] = house.policy.tools;
  const agents = house.policy.agents.filter(({ tenant }) => tenant === "acme");
  const [agent] = agents;
  if (tool === undefined || agent === undefined) throw new Error("the policy has its tool and agent");
  return { agent, ...emitSql(house.policy, tool, agents) };
};

/** What the agent's own role sees, asked of the database without the broker. */
async function asRole(role: string, sql: string): Promise<unknown> {
  await house.owner.query("begin");
  try {
    await house.owner.query(
      `set local role "${role}"; set local search_path = "${role}"; set local timezone = 'UTC'; select set_config('bailiwick.tenant', 'acme', true)`,
    );
    return (await house.owner.query({ text: sql })).rows;
  } finally {
    await house.owner.query("rollback");
  }
}

describe("the SQL that is emitted", () => {
  test("shows an agent's role the very rows and columns that the broker shows the agent", async () => {
    const { sql, agent, unsaid } = emitted();
    expect(unsaid).toEqual([]);
    await house.owner.query(sql);
    await house.owner.query(sql);
    const json = "select to_json(t) as row from customers t order by id";
    const byBroker = rowsOf(await house.query(json));
    expect(byBroker.length).toBeGreaterThan(0);
    expect(await asRole(roleOf(agent), json)).toEqual(byBroker);
    expect(await asRole(roleOf(agent), "select id, total from orders order by id")).toEqual([
      { id: 1, total: "100" },
      { id: 2, total: "200" },
    ]);
  });

  test("gives the role no right on the tables", async () => {
    const { agent } = emitted();
    await expect(asRole(roleOf(agent), "select * from public.customers")).rejects.toThrow(/permission denied/);
    await expect(asRole(roleOf(agent), "select * from public.secrets")).rejects.toThrow(/permission denied/);
  });

  test("shows nothing to a connection that does not say the agent's tenant", async () => {
    const { agent } = emitted();
    await house.owner.query("begin");
    await house.owner.query(`set local role "${roleOf(agent)}"`);
    expect((await house.owner.query(`select * from "${roleOf(agent)}".customers`)).rows).toEqual([]);
    await house.owner.query("rollback");
  });

  test("keeps conditions of whoever asks away from hidden records", async () => {
    const { agent } = emitted();
    await expect(asRole(roleOf(agent), "select id from customers where 1 / nullif(tier, 99) > -1 and city <> 'x'")).resolves.toBeDefined();
  });

  test("says of each part by which rule it is", () => {
    const { sql } = emitted();
    expect(sql).toContain("--   grant own-region, roles/support.yaml:4");
    expect(sql).toContain("--   deny support/deny/1, roles/support.yaml:");
  });

  test("takes away the view of a table that is declared no more", async () => {
    const { agent } = emitted();
    const [tool] = house.policy.tools;
    if (tool === undefined) throw new Error("the policy has its tool");
    const fewer = { ...tool, tables: tool.tables.filter(({ name }) => name !== "orders") };
    await expect(asRole(roleOf(agent), "select * from orders")).resolves.toBeDefined();
    await house.owner.query(emitSql(house.policy, fewer, [agent]).sql);
    await expect(asRole(roleOf(agent), "select * from orders")).rejects.toThrow(/does not exist/);
    await expect(asRole(roleOf(agent), "select * from customers")).resolves.toBeDefined();
  });

  test("stops where a column takes different texts for equal", async () => {
    await house.owner.query(`
      create collation same (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      drop view if exists spying; drop schema "${roleOf(emitted().agent)}" cascade; alter table customers alter region type text collate same`);
    try {
      await expect(house.owner.query(emitted().sql)).rejects.toThrow(/columns of customers .* region/);
      await house.owner.query("rollback");
    } finally {
      await house.owner.query(`alter table customers alter region type text collate "default"`);
      await house.owner.query(emitted().sql);
    }
  });

  test("stops where a column is not of the type that it was written for", async () => {
    await house.owner.query(`drop schema "${roleOf(emitted().agent)}" cascade; alter table orders alter placed type date`);
    try {
      await expect(house.owner.query(emitted().sql)).rejects.toThrow(/columns of orders .* placed/);
      await house.owner.query("rollback");
    } finally {
      await house.owner.query("alter table orders alter placed type timestamptz");
    }
  });
});

describe("what SQL cannot say", () => {
  const asking = (extra: string): string => `role: support
reason: works with customers
allow:
  - do: tickets:read
    id: plain
    rows: resource.region == "emea"
${extra}
  - do: tickets:query
`;
  const of = (role: string): EmittedSql => {
    const policy = testPolicy({ "tools/tickets.yaml": CATALOG, "roles/support.yaml": role, ...WITHOUT_HEALTH });
    const [tool] = policy.tools;
    if (tool === undefined) throw new Error("the policy has its tool");
    return emitSql(
      policy,
      tool,
      policy.agents.filter(({ tenant }) => tenant === "acme"),
    );
  };

  test("a grant that depends on the call is left out and named", () => {
    const { sql, unsaid } = of(asking(`  - do: tickets:read\n    id: of-the-user\n    rows: resource.name == context.user.id`));
    expect(unsaid).toEqual([expect.stringMatching(/^roles\/support.yaml:\d+ `.*context.*`: /)]);
    expect(sql).toContain("--   not said: roles/support.yaml:");
    expect(sql).not.toContain("of-the-user,");
  });

  test("a deny that depends on the call hides everything that it may be about", () => {
    const { sql, unsaid } = of(`${asking("")}deny:\n  - do: tickets:read\n    id: not-you\n    rows: resource.name == context.user.id\n`);
    expect(unsaid).toHaveLength(1);
    expect(sql).toMatch(/WHERE FALSE/);
  });

  test("a grant that asks people shows nothing by itself", () => {
    const { unsaid } = of(asking(`  - do: tickets:secrets\n    approve: { by: [support-lead] }`));
    expect(unsaid).toEqual([expect.stringMatching(/people have to approve each read/)]);
  });

  test("a hash is redacted, and named", () => {
    const { sql, unsaid } = of(asking("    fields: { mask: { ssn: hash } }"));
    expect(unsaid).toEqual([expect.stringMatching(/^Customer.ssn: its mask `hash`/)]);
    expect(sql).toContain("[redacted]");
  });
});
