import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import { dutySchema } from "../../src/rest-contract/duties.ts";
import { heldApproval, OPERATOR_KEY } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { onServer } from "../support/server-statement.ts";
import { type Ran, runIn } from "./run-in.ts";

let house: ServedHouse;
let folder: string;

beforeAll(async () => {
  house = await serveRestHouse();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-duty-"));
  const data = join(folder, "data");
  await mkdir(data);
  await writeFile(join(data, "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  await writeBrokerFile(data, {
    url: house.url,
    pid: process.pid,
    version: "0.0.0-test",
    policy: folder,
    startedAt: new Date().toISOString(),
  });
});
beforeEach(async () => {
  await onServer(house.databaseUrl, "truncate bailiwick.duties, bailiwick.approvals cascade");
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: readonly string[]): Promise<Ran> {
  return runIn(folder, join(folder, "data"), args);
}

async function put(...more: readonly string[]): Promise<Ran> {
  return run("duty", "put", "--as", "lena", "--to", "ana", "--reason", "on holiday", ...more);
}

test("a duty is put, listed and ended", async () => {
  expect((await run("duty")).err).toContain("nobody answers for anybody; `bailiwick duty put");
  const made = await put("--for", "14d");
  expect(made).toMatchObject({ code: 0, err: expect.stringContaining("bailiwick duty end dty_") });
  expect(made.out).toMatch(/^dty_\S+: ana answers for lena in all their roles, from /u);
  const [id = ""] = made.out.split(":");
  expect((await run("duty", "list")).out).toMatch(
    /^ID +STATE +AWAY +ANSWERS +ROLES +BEGINS +ENDS +REASON\ndty_\S+ +in force +lena +ana +all +\d+ s ago +in 14 days +on holiday\n$/u,
  );
  expect(await run("duty", "end", id, "--as", "ana")).toMatchObject({ code: 0, out: "ended: ana no longer answers for lena\n" });
  expect((await run("duty", "list")).out).toContain("revoked");
});

test("a duty begins and ends when it says, for the roles it says, by whom it says", async () => {
  const begins = new Date(Date.now() + 86_400_000).toISOString();
  const { out } = await put("--begins", begins, "--for", "8h", "--roles", "support-lead", "--json");
  expect(dutySchema.parse(JSON.parse(out))).toMatchObject({
    begins,
    ends: new Date(new Date(begins).getTime() + 8 * 3_600_000).toISOString(),
    roles: ["support-lead"],
    state: "to_come",
  });
  const other = await run(
    "duty",
    "put",
    "--as",
    "ines",
    "--from",
    "lena",
    "--to",
    "ana",
    "--reason",
    "ill",
    "--for",
    "2d",
    "--tenant",
    "acme",
  );
  expect(other.out).toContain("ana answers for lena");
});

test.each([
  [["--for", "14d", "--until", "2030-01-01"], 2, "a duty has one end"],
  [[], 2, "a duty has one end"],
  [["--for", "soon"], 2, "is no length of time"],
  [["--until", "tomorrow"], 2, "`--until` is no time"],
  [["--for", "61d"], 1, "a duty lasts 60 days at most"],
] as const)("`duty put %j` is refused", async (more, code, message) => {
  expect(await put(...more)).toMatchObject({ code, err: expect.stringContaining(message) });
});

test("habits say how people answer, what to look at, and where to look on", async () => {
  expect((await run("approvals", "habits", "--tenant", "acme")).err).toContain("nobody was asked anything in 30 days");
  for (let index = 0; index < 20; index += 1) {
    const approval = heldApproval({
      rules: [{ kind: "grant", id: "support/allow/2", at: { file: "roles/support.yaml", line: 5 }, reason: "" }],
    });
    await house.store.approvals.create(approval);
    const at = new Date(approval.createdAt.getTime() + 2_000);
    const answer = { verdict: "approve", by: "lena", at, via: "passkey", roles: ["support-lead"] } as const;
    await house.store.approvals.answer("acme", approval.id, { answer, seen: 0, state: "approved" });
  }
  const { code, out, err } = await run("approvals", "habits", "--tenant", "acme");
  expect(code).toBe(0);
  expect(out).toContain("! support/allow/2: people always say yes: 20 of 20 in 30 days, median 2 s\n");
  expect(out).toMatch(
    /^RULE +ASKED +YES +NO +EXPIRED +MEDIAN +P90 +< 5 S +REPEATED\nsupport\/allow\/2 +20 +20 \(100 %\) +0 +0 +2 s +2 s +20 \(100 %\) +19$/mu,
  );
  expect(out).toMatch(/^PERSON .*\nlena +20 /mu);
  expect(err).toContain("bailiwick approvals habits --proposals");
  expect(await run("approvals", "habits", "--days", "0")).toMatchObject({ code: 1 });
});

test("a proposal names the place, what it does to past questions, and the lines to paste", async () => {
  for (let index = 0; index < 20; index += 1) await alwaysClosed(index);
  const { out } = await run("approvals", "habits", "--tenant", "acme", "--proposals");
  expect(out).toContain("support/allow/2: people said yes 20 of 20 times; this spares what was always approved");
  expect(out).toContain("past questions it would have decided by itself: 20; still asked: 0\nit leaves open: id\n");
  expect(out).toMatch(/roles\/support\.yaml:5, put this in the place of the grant:\n {2}- do: tickets:update\n/u);
});

async function alwaysClosed(index: number): Promise<void> {
  const args = { id: `T-${index}`, status: "closed" };
  const rules = [{ kind: "grant", id: "support/allow/2", at: { file: "roles/support.yaml", line: 5 }, reason: "" }] as const;
  const approval = heldApproval({ args, rules });
  const { callId, agent, operation, user, task } = approval;
  await house.store.log.append("acme", {
    kind: "hold",
    callId,
    body: {
      at: new Date().toISOString(),
      agent,
      environment: "prod",
      workflow: "support",
      session: "ses_1",
      verdict: "ask",
      approval: approval.id,
    },
    people: { user },
    facts: {
      operation: { ...operation },
      args,
      user,
      task,
      data: {},
      scope: ["tickets:*"],
      resource: { type: "Ticket", id: args.id, attributes: { ...args } },
    },
  });
  await house.store.approvals.create(approval);
  const by = index % 2 === 0 ? "lena" : "ana";
  const answer = { verdict: "approve", by, at: new Date(), via: "passkey", roles: ["support-lead"] } as const;
  await house.store.approvals.answer("acme", approval.id, { answer, seen: 0, state: "approved" });
}
