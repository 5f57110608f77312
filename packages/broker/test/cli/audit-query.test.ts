import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { followCalls } from "../../src/cli/audit-tail.ts";
import { createBrokerClient } from "../../src/cli/broker-client.ts";
import { runCli } from "../../src/cli/program.ts";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import { OPERATOR_KEY, recordCall, SUPPORT_BOT } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { onServer } from "../support/server-statement.ts";

let house: ServedHouse;
let folder: string;

beforeAll(async () => {
  house = await serveRestHouse();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-audit-query-"));
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "data", "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  await writeBrokerFile(join(folder, "data"), {
    url: house.url,
    pid: process.pid,
    version: "0.0.0-test",
    policy: folder,
    startedAt: new Date().toISOString(),
  });
  const run = { run: "run_1", session: "ses_a" };
  await house.store.log.append("acme", {
    kind: "admin",
    callId: "ses_a",
    body: { at: "2026-11-01T10:00:00.000Z", event: "session.create", by: SUPPORT_BOT, agent: SUPPORT_BOT, ...run },
  });
  await recordCall(house, "call_1", "intent", { at: "2026-11-01T10:00:01.500Z", ...run }, undefined, {
    people: { user: "ana", approvedBy: "lena" },
    resource: { type: "Ticket", id: "T-9" },
  });
  await recordCall(house, "call_1", "outcome", { at: "2026-11-01T10:00:02.000Z", ...run, status: "succeeded", durationMs: 42 });
  const child = { agent: "bailiwick://acme/prod/support/helper-bot", run: "run_1", session: "ses_b", lineage: ["ses_a"] };
  await recordCall(house, "call_2", "refusal", { at: "2026-11-01T10:03:02.000Z", ...child, verdict: "deny", code: "no_grant" });
  for (let place = 3; place < 8; place += 1) await recordCall(house, `call_${place}`, "intent", { run: "run_2" });
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const [out, err] = [collector(), collector()];
  const io = {
    stdin: Readable.from([""]),
    stdout: out.stream,
    stderr: err.stream,
    env: {},
    cwd: folder,
    fetch: globalThis.fetch,
    now: () => new Date(),
  };
  const code = await runCli([...args, "--data", join(folder, "data")], io, { up: async () => 0 }, "0.0.0-test");
  return { code, out: out.text(), err: err.text() };
}

function collector(): { stream: PassThrough; text(): string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

function idsIn(out: string): readonly string[] {
  return [...out.matchAll(/call_\d/gu)].map(([id]) => id);
}

test.each([
  [["--approver", "lena"], ["call_1"]],
  [["--resource", "Ticket/T-9"], ["call_1"]],
  [
    ["--run", "run_1"],
    ["call_2", "call_1"],
  ],
  [["--run", "run_1", "--user", "ana", "--code", "no_grant"], ["call_2"]],
  [["--rule", "support-1", "--status", "succeeded"], ["call_1"]],
  [["--since", "1h", "--run", "run_1"], []],
  [["--from", "2026-11-01T10:01", "--to", "2026-11-02"], ["call_2"]],
  [["--from", "2026-11-01", "--to", "2026-11-01T12:00:02+02:00"], ["call_1"]],
])("audit query %j finds %j", async (filters, expected) => {
  const { code, out } = await run("audit", "query", ...filters);
  expect([code, idsIn(out)]).toEqual([0, expected]);
});

test("audit query pages on with --before, and says so", async () => {
  const first = await run("audit", "query", "--tenant", "acme", "--limit", "3");
  expect(idsIn(first.out)).toEqual(["call_7", "call_6", "call_5"]);
  const before = /--before (\d+)/u.exec(first.err)?.[1] ?? "";
  const second = await run("audit", "query", "--tenant", "acme", "--limit", "50", "--before", before);
  expect(idsIn(second.out)).toEqual(["call_4", "call_3", "call_2", "call_1"]);
  expect(second.err).not.toContain("--before");
  const json = z.object({ calls: z.array(z.object({ callId: z.string() })), next: z.int() });
  expect(json.parse(JSON.parse((await run("audit", "query", "--tenant", "acme", "--limit", "1", "--json")).out)).calls).toHaveLength(1);
});

test.each([
  [["--from", "yesterday"], "is no time that --from takes"],
  [["--to", "2026-13-01"], "is no time that --to takes"],
  [["--limit", "none"], "--limit"],
])("audit query %j is wrong usage", async (filters, said) => {
  expect(await run("audit", "query", ...filters)).toMatchObject({ code: 2, out: "", err: expect.stringContaining(said) });
});

test("audit query asks the broker what it does not know, and is refused with what to write", async () => {
  expect(await run("audit", "query", "--since", "soon")).toMatchObject({ code: 1, err: expect.stringContaining("`m`, `h`, `d` or `w`") });
});

test("audit timeline reads as: time, time since, agent by depth, what, verdict, outcome, call", async () => {
  const { code, out } = await run("audit", "timeline", "run_1");
  expect(code).toBe(0);
  expect(out).toBe(
    `2026-11-01 10:00:00.000            support-bot   session.create                             ses_a
2026-11-01 10:00:01.500  +1.5 s    support-bot   tickets:read    allow  succeeded in 42 ms  call_1
2026-11-01 10:03:02.000  +3.0 min    helper-bot  tickets:read    deny   no_grant            call_2
`,
  );
  expect(await run("audit", "timeline", "run_nowhere")).toMatchObject({
    code: 1,
    err: expect.stringContaining("there is no run `run_nowhere`"),
  });
});

test("a search is saved, listed, run and deleted", async () => {
  const saved = await run("audit", "search", "save", "refused by rule", "--tenant", "acme", "--code", "no_grant", "--user", "ana");
  expect(saved).toMatchObject({ code: 0, out: "saved refused by rule in acme: user=ana code=no_grant\n" });
  expect((await run("audit", "search", "list")).out).toMatch(
    /^acme +refused by rule +- +(?:user=ana code=no_grant|code=no_grant user=ana)$/mu,
  );
  expect(idsIn((await run("audit", "search", "run", "refused by rule", "--tenant", "acme")).out)).toEqual(["call_2"]);
  expect(await run("audit", "search", "run", "refused by rule")).toMatchObject({ code: 2, err: expect.stringContaining("--tenant") });
  expect((await run("audit", "search", "delete", "refused by rule", "--tenant", "acme")).code).toBe(0);
  expect((await run("audit", "search", "delete", "refused by rule", "--tenant", "acme")).code).toBe(1);
  expect((await run("audit", "search", "save", "everything", "--tenant", "acme")).code).toBe(2);
});

test("following the log tells of holds and refusals at once and of a call once, when it ends", async () => {
  const broker = createBrokerClient({ url: house.url, bearer: OPERATOR_KEY, fetch: globalThis.fetch });
  const stopped = new AbortController();
  const began = Promise.withResolvers<void>();
  const told: string[] = [];
  const following = followCalls(
    broker,
    { tenants: ["acme", "globex"], filter: { agent: SUPPORT_BOT }, pollMs: 5, signal: stopped.signal, began: began.resolve },
    ({ callId, status }) => {
      told.push(`${callId} ${status}`);
      if (callId === "call_last") stopped.abort();
    },
  );
  await began.promise;
  await recordCall(house, "call_t1", "intent");
  await recordCall(house, "call_t2", "hold", { verdict: "ask" });
  await recordCall(house, "call_t3", "refusal", { verdict: "deny", code: "no_grant", agent: "somebody else" });
  await recordCall(house, "call_t1", "outcome", { status: "failed" });
  await recordCall(house, "call_last", "refusal", { verdict: "deny", code: "no_grant" });
  await following;
  expect(told).toEqual(["call_t2 held", "call_t1 failed", "call_last refused"]);
});

test("explain tells the steps a call went through, up to where it stands", async () => {
  await recordCall(house, "call_path", "refusal", {
    verdict: "deny",
    code: "no_grant",
    operation: "update_ticket",
    action: "tickets:update",
  });
  const { out } = await run("explain", "call_path");
  const path = out.slice(out.indexOf("its path"));
  expect(path).toMatch(/authenticate +ok[^]*identify +ok +tickets:update[^]*decide +STOPPED +stopped with `no_grant`/u);
  expect(path).not.toContain("execute");
  const { out: json } = await run("explain", "call_path", "--json");
  expect(JSON.parse(json)).toMatchObject({
    callId: "call_path",
    path: expect.arrayContaining([expect.objectContaining({ step: "execute", state: "not_reached" })]),
  });
});

test("explain says that what a decision was made from was erased", async () => {
  const facts = { asked: { kind: "tool", name: "x" } };
  await recordCall(house, "call_kept", "refusal", { verdict: "deny", code: "no_grant" }, facts);
  expect((await run("explain", "call_kept")).out).not.toContain("erased");
  await onServer(house.databaseUrl, "delete from bailiwick.record_facts");
  expect(await run("explain", "call_kept")).toMatchObject({ code: 0, out: expect.stringMatching(/`no_grant`[^]*was erased/u) });
});
