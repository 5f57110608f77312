import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makePolicyCli, type PolicyCli } from "../people-support/policy-cli.ts";

let cli: PolicyCli;
beforeEach(async () => {
  cli = await makePolicyCli();
  await cli.write("roles/support.yaml", ROLE);
  await cli.write("tools/tickets.yaml", TOOL);
});
afterEach(async () => cli.remove());

const TOOL = `tool: tickets
connect: { mcp: { url: "http://127.0.0.1:1/mcp" } }
types:
  Ticket: { id: string, tenant: string, region: string, "notes?": string }
tenantField: { Ticket: tenant }
actions:
  get_ticket:
    is: tickets:read
    effect: read
    args: { id: string }
    resource: { type: Ticket, id: args.id }
    returns: { type: Ticket, at: result }
    reviewed: "sha256:${"0".repeat(64)}"
  list_tickets:
    is: tickets:read
    effect: read
    args: { "region?": string }
    force: { tenant: principal.tenant }
    returns: { type: Ticket, at: result.tickets }
    reviewed: "sha256:${"0".repeat(64)}"
  update_ticket:
    is: tickets:update
    effect: write
    args: { id: string, "region?": string }
    resource: { type: Ticket, id: args.id, before: get_ticket }
    reviewed: "sha256:${"0".repeat(64)}"
  ping:
    is: tickets:ping
    effect: execute
    reviewed: "sha256:${"0".repeat(64)}"
resources:
  "kb://articles/*": { is: tickets:articles, effect: read }
`;

const ROLE = `role: support
reason: support works tickets
allow:
  - do: tickets:read
    id: read-emea
    when: context.session.task != "frozen"
    rows: resource.region == "emea"
    fields: { hide: [notes] }
    limits: { perMinute: 30, records: 10 }
  - do: tickets:update
    id: move
    rows: resource.region == "emea"
    approve: { by: [support-lead] }
  - do: tickets:articles
`;

const BOT = "acme/prod/support/support-bot";

describe("the answer", () => {
  test("of a refusal says which rule, what was not true, and what would change it", async () => {
    const resource = '{"id":"T-1","tenant":"acme","region":"amer"}';
    expect(await cli.run("why", BOT, "get_ticket", "--args", '{"id":"T-1"}', "--resource", resource)).toEqual({
      code: 1,
      err: "",
      out: `deny     tickets.get_ticket (tickets:read, read) by bailiwick://acme/prod/support/support-bot
args     {"id":"T-1"}
record   Ticket {"id":"T-1","tenant":"acme","region":"amer"}
session  user what-if, task what-if, data {}, scope as wide as the ceiling
at       2026-11-23T10:00:00.000Z

\`tickets:read\` is refused (row_not_permitted): the grants for \`tickets:read\` do not cover this Ticket (roles/support.yaml:4); name a record they cover

rules that decided
  grant read-emea, roles/support.yaml:4: support works tickets
  builtin deny-by-default, docs/spec/policy-files.md:30: what no grant permits is refused

rules that did not match
  grant read-emea, roles/support.yaml:4: not true: \`resource.region == "emea"\`

what would change it
  would be allowed if \`resource.region\` were \`emea\` (roles/support.yaml:4)
`,
    });
  });

  test("of an allow says what holds for it and what the agent would see", async () => {
    const resource = '{"id":"T-1","tenant":"acme","region":"emea","notes":"difficult"}';
    const { code, out } = await cli.run("why", BOT, "tickets.get_ticket", ".", "--args", '{"id":"T-1"}', "--resource", resource);
    expect(code).toBe(0);
    expect(out).toContain("allow    tickets.get_ticket (tickets:read, read) by bailiwick://acme/prod/support/support-bot\n");
    expect(out.slice(out.indexOf("what holds for it"))).toBe(`what holds for it
  rows: own tenant; resource.region == "emea"
  fields: hides notes
  at most 30 calls per minute: grant read-emea, roles/support.yaml:4
  at most 10 records a call
  the agent sees {"id":"T-1","tenant":"acme","region":"emea"}
`);
  });

  test("of an action that waits says who answers, and holds for any record when none is given", async () => {
    const { code, out } = await cli.run("why", BOT, "update_ticket", "--args", '{"id":"T-1","region":"amer"}');
    expect(code).toBe(0);
    expect(out).toMatch(/^ask {6}tickets\.update_ticket/u);
    expect(out).toContain("record   not given (--resource): the verdict is for one within the rows below\n");
    expect(out.slice(out.indexOf("what holds for it"))).toBe(`what holds for it
  approval by support-lead within 30 min: grant move, roles/support.yaml:10
  rows: own tenant; resource.region == "emea"
`);
  });

  test("depends on the user, the task, the session's data and the time that are given", async () => {
    await cli.write("bailiwick.yaml", `${MAIN}session: { data: { "shift?": string } }\n`);
    const role = (when: string) =>
      cli.write("roles/support.yaml", `role: support\nreason: r\nallow:\n  - do: tickets:ping\n    when: ${when}\n`);
    const asked = async (...args: readonly string[]) => (await cli.run("why", BOT, "ping", ...args)).code;
    await role('context.user.id == "ana" && context.session.task == "T-1"');
    expect([await asked("--user", "ana", "--task", "T-1"), await asked("--user", "ana")]).toEqual([0, 1]);
    await role('context.session.data has shift && context.session.data.shift == "late"');
    expect([await asked("--session-data", '{"shift":"late"}'), await asked("--session-data", '{"shift":"early"}')]).toEqual([0, 1]);
    await role('context.now < datetime("2026-11-23T09:00:00Z")');
    expect([await asked("--at", "2026-11-23T09:30:00+01:00"), await asked()]).toEqual([0, 1]);
  });

  test("sets the arguments that the broker forces", async () => {
    const { out } = await cli.run("why", BOT, "list_tickets", "--args", '{"region":"emea"}', "--json");
    expect(JSON.parse(out)).toMatchObject({ verdict: "allow", request: { args: { region: "emea", tenant: "acme" } } });
  });

  test("takes a URI below a catalogued prefix", async () => {
    expect((await cli.run("why", BOT, "kb://articles/7")).out).toContain("allow    tickets.resource.kb://articles/7");
  });

  test("of a call that cannot be read names the arguments there are", async () => {
    const { code, out } = await cli.run("why", BOT, "get_ticket");
    expect(code).toBe(1);
    expect(out).toContain("argument `id` is required");
    expect(out).toContain("\narguments it takes\n  id: string\n");
  });
});

const MAIN = `version: 1
tenants: [acme, globex]
environments: { dev: {}, prod: {} }
people:
  lena: { name: Lena Lead, email: lena@acme.example, tenants: [acme], roles: [support-lead] }
  ines: { name: Ines Owner, email: ines@acme.example, tenants: [acme], roles: [owner] }
`;

describe("the agent", () => {
  test.each([["bailiwick://acme/prod/support/support-bot"], ["acme/prod/support/support-bot"], ["acme/prod"]])(
    "may be named %s",
    async (name) => {
      const { out } = await cli.run("why", name, "ping");
      expect(out).toContain("by bailiwick://acme/prod/support/support-bot\n");
    },
  );

  test("whose whole last part is meant is found although another's name goes on from there", async () => {
    const agent = "workflow: w\nowner: lena\ntenants: [acme]\nenvironments: [dev]\nroles: [support]\nceiling: { allow: [tickets:read] }\n";
    await cli.write("agents/a.yaml", `agent: mailer\n${agent}`);
    await cli.write("agents/b.yaml", `agent: mailer-two\n${agent}`);
    expect((await cli.run("why", "mailer", "ping")).out).toContain("by bailiwick://acme/dev/w/mailer\n");
  });
});

describe("wrong usage says what is wrong and what to do:", () => {
  test.each([
    [["support-bot", "ping"], "`support-bot` is part of the names of 4 agents", "name one of bailiwick://acme/dev/support/support-bot, "],
    [["nobody", "ping"], "no agent's name contains `nobody`", "name one of bailiwick://acme/dev/support/support-bot, "],
    [[BOT, "get_tickte"], "no action `get_tickte` is in the catalog", "did you mean `get_ticket`?"],
    [[BOT, "zzzzzzzz"], "no action `zzzzzzzz` is in the catalog", "name one of tickets.get_ticket, tickets.list_tickets"],
    [[BOT, "ping", "--args", "{"], "`--args` is not a JSON object: `{`", 'write it as in --args \'{"id": "T-1"}\''],
    [[BOT, "ping", "--args", "[1]"], "`--args` is not a JSON object: `[1]`", "write it as in --args"],
    [[BOT, "ping", "--resource", "null"], "`--resource` is not a JSON object: `null`", "write it as in --resource"],
    [[BOT, "ping", "--resource", "{}"], "`tickets.ping` acts on no declared record", "leave out the record"],
    [[BOT, "ping", "--session-data", "late"], "`--session-data` is not a JSON object: `late`", "write it as in --session-data"],
    [
      [BOT, "ping", "--data", '{"shift":"late"}'],
      "`--data` names the broker's data folder",
      "give session data with `--session-data <json>`",
    ],
    [[BOT, "ping", "--at", "2026-11-23T10:00:00"], "`--at` is no RFC 3339 time: `2026-11-23T10:00:00`", "write it with its zone"],
    [[BOT, "ping", "--at", "2026-02-30T10:00:00Z"], "`--at` is no RFC 3339 time", "write it with its zone"],
    [[BOT, "list_tickets", "--args", '{"tenant":"globex"}'], "argument `tenant` is set by the broker", "leave it out of the arguments"],
    [[BOT, "ping", "nowhere"], "cannot read the policy folder", "name the folder that holds `bailiwick.yaml`"],
    [[BOT], "missing required argument 'action'", ""],
  ])("%j", async (args, message, next) => {
    const { code, out, err } = await cli.run("why", ...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).toContain(next);
  });

  test("an action of several tools", async () => {
    await cli.write(
      "tools/mail.yaml",
      'tool: mail\nconnect: { mcp: { url: "http://127.0.0.1:1/mcp" } }\nactions:\n  ping: { is: mail:ping, effect: execute }\n',
    );
    const { code, err } = await cli.run("why", BOT, "ping");
    expect(code).toBe(2);
    expect(err).toContain("`ping` is an action of several tools");
    expect(err).toContain("name one of mail.ping, tickets.ping");
  });

  test("control characters of an argument do not reach the terminal", async () => {
    expect((await cli.run("why", BOT, "kb://articles/\u001b[2K")).out).not.toContain("\u001b");
    expect((await cli.run("why", "\u001b[2K", "ping")).err).not.toContain("\u001b");
  });
});

test("a folder that does not load gives the answer and the exit code of `check`", async () => {
  await cli.write("roles/support.yaml", "role: support\nreason: r\nallows: []\n");
  expect(await cli.run("why", BOT, "ping")).toEqual(await cli.run("check"));
});
