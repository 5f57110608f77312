import { afterEach, beforeEach, expect, test } from "vitest";
import { makePolicyCli, type PolicyCli } from "../people-support/policy-cli.ts";

const TOOL = `tool: desk
connect: { postgres: { host: db.example, database: desk } }
credential: { name: desk-login, inject: { login: desk } }
types: { Note: { id: string, tenant: string, owner: string } }
tenantField: { Note: tenant }
tables: { notes: { type: Note, read: list_notes } }
actions:
  list_notes: { is: "desk:read", effect: read, args: {}, table: { name: notes, do: select }, returns: { type: Note, at: result.rows } }
`;

const role = (rows: string): string => `role: support
reason: support works tickets
allow:
  - do: tickets:read
  - do: tickets:update
  - do: desk:read
    rows: ${rows}
`;

let cli: PolicyCli;
beforeEach(async () => {
  cli = await makePolicyCli();
  await cli.write("tools/desk.yaml", TOOL);
  await cli.write("agents/support.yaml", AGENT);
});
afterEach(async () => cli.remove());

const AGENT = `agent: support-bot
workflow: support
owner: ines
tenants: [acme, globex]
environments: [dev, prod]
roles: [support]
ceiling: { allow: ["tickets:*", "desk:*"] }
`;

test("emits a role and a view for each agent that is named", async () => {
  await cli.write("roles/support.yaml", role('resource.owner != "nobody"'));
  const { code, out, err } = await cli.run("sql", "emit", "--tool", "desk", "--agent", "acme/prod");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain('CREATE VIEW "bw/acme/prod/support/support-bot"."notes" WITH (security_barrier = true)');
  expect(out).not.toContain("globex");
});

test("fails where SQL cannot say a rule, unless that is accepted", async () => {
  await cli.write("roles/support.yaml", role("resource.owner == context.user.id"));
  const refused = await cli.run("sql", "emit", "--tool", "desk");
  expect(refused.code).toBe(1);
  expect(refused.err).toMatch(/not said: roles\/support.yaml:\d+ /);
  expect(refused.out).toContain("notes: nothing of it is shown");
  expect((await cli.run("sql", "emit", "--tool", "desk", "--partial")).code).toBe(0);
});

test("names the tools that have tables when another is asked for", async () => {
  await cli.write("roles/support.yaml", role('resource.owner != "nobody"'));
  const { code, err } = await cli.run("sql", "emit", "--tool", "tickets");
  expect(code).toBe(2);
  expect(err).toContain("tools with tables: desk");
});
