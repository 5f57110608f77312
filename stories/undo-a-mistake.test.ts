import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bailiwick, BIN, type Ended, temporaryFolder } from "./program.ts";

/** The demo makes a database and starts six tool servers. */
const TIME_MS = 120_000;

const home = await temporaryFolder();
const data = join(home.path, "data");
const demo = spawn(process.execPath, [BIN, "demo", "--port", "0", "--data", data], { stdio: ["ignore", "pipe", "inherit"] });
let screen = "";
demo.stdout.on("data", (chunk: Buffer) => (screen += chunk.toString()));
const run = (...words: readonly string[]): Promise<Ended> => bailiwick([...words, "--data", data]);

let call = "";

beforeAll(async () => {
  const ticket = await seen(() => Promise.resolve(/approvals approve (apr_[\w-]+)/u.exec(screen)?.[1]));
  expect((await run("approvals", "approve", ticket, "--as", "dana")).code).toBe(0);
  // The agent waits for the answer, and closes ticket T-1004 as soon as it has it.
  call = await seen(async () => {
    const { stdout } = await run("audit", "query", "--tenant", "acme", "--action", "tickets:update", "--json");
    const { calls } = JSON.parse(stdout) as { calls: { callId: string; status: string }[] };
    return calls.find(({ status }) => status === "succeeded")?.callId;
  });
}, TIME_MS);
afterAll(async () => {
  demo.kill("SIGINT");
  await once(demo, "close");
  await home.remove();
}, TIME_MS);

/** Looks until there is something. */
async function seen<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    if (demo.exitCode !== null) throw new Error(`the demo ended with ${demo.exitCode}:\n${screen}`);
    const found = await look();
    if (found !== undefined) return found;
    await setTimeout(200);
  }
}

test("a ticket that was closed by mistake is looked at, opened again, and that is taken back too", { timeout: TIME_MS }, async () => {
  const looked = await run("undo", call, "--dry-run", "--as", "omar");
  expect(looked.stderr).toBe("");
  expect(looked.code).toBe(0);
  expect(looked.stdout).toContain('undone by  tickets:update {"id":"T-1004","status":"solved"}');
  expect(looked.stdout).toMatch(/\n *status +solved +closed +closed\n/u);

  const undone = await run("undo", call, "--as", "omar", "--reason", "the customer wrote again");
  expect(undone).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^${call} is undone by call_`, "u")) });
  const again = await run("undo", call, "--as", "omar");
  expect(again).toMatchObject({ code: 1, stdout: expect.stringContaining("has undone this call already") });

  // Closing is what a lead is asked about, whoever wants it: also when it is an undo.
  const undo = /undone by (call_[\w-]+)/u.exec(undone.stdout)?.[1] ?? "";
  const asked = await run("undo", undo, "--as", "omar", "--json");
  expect(asked.code).toBe(1);
  const { state, approval } = JSON.parse(asked.stdout) as { state: string; approval: string };
  expect(state).toBe("pending");
  expect((await run("approvals", "approve", approval, "--as", "dana")).code).toBe(0);
  expect((await run("undo", undo, "--as", "omar")).stdout).toMatch(/ is undone by call_/u);
});

test("whoever may not undo is told so", { timeout: TIME_MS }, async () => {
  const { code, stderr } = await run("undo", call, "--as", "dana");
  expect(code).toBe(1);
  expect(stderr).toContain("`dana` is no operator or owner, and does not own the agent");
});
