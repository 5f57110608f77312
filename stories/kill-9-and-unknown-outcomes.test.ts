import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";
import type { Program } from "./program.ts";

const CALLS = 200;
const CALLERS = 20;
/** Killed when this many calls were answered and one more has had its effect without an answer. */
const KILL_AFTER = 60;
/** The notes server writes a note of this text and never answers. */
const STALLED = "stall";

interface Row {
  readonly callId: string;
  readonly status: string;
  readonly text: string | undefined;
}

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany({ delayMs: 20 });
});
afterAll(async () => company.close());

test("after kill -9 under load every effect has its intent, every answered call its outcome, and the rest is listed as unknown", async () => {
  const agent = await company.agent("drafting");
  const answered: string[] = [];
  let next = 0;
  const victim = company.program.process;
  const killMidCall = async (): Promise<void> => {
    void agent.call("add_note", { text: STALLED }).catch(() => undefined);
    while (!(await company.effects()).some((effect) => effect.args["text"] === STALLED)) await nextTurn();
    victim.kill("SIGKILL");
  };
  const caller = async (): Promise<void> => {
    while (next < CALLS) {
      const text = `note ${next++}`;
      const answer = await agent.call("add_note", { text }).catch(() => undefined);
      if (answer === undefined) return;
      expect(answer.structured).toEqual({ ok: true });
      answered.push(text);
      if (answered.length === KILL_AFTER) await killMidCall();
    }
  };
  const gone = once(victim, "exit");
  await Promise.all(Array.from({ length: CALLERS }, caller));
  await gone;
  expect(answered.length).toBeGreaterThanOrEqual(KILL_AFTER);
  expect(answered.length).toBeLessThan(CALLS);

  const program = await company.restart();
  const done = (await company.effects()).map((effect) => String(effect.args["text"]));
  const rows = await allCalls(program);
  const recorded = new Map(rows.map((row) => [row.text, row.status]));
  expect(done.filter((effect) => !recorded.has(effect))).toEqual([]);
  expect(answered.filter((text) => recorded.get(text) !== "succeeded")).toEqual([]);
  expect(recorded.get(STALLED)).toBe("unknown");
  expect([...new Set(recorded.values())].toSorted()).toEqual(["succeeded", "unknown"]);

  const unknown = await program.run("audit", "query", "--status", "unknown", "--limit", "200", "--json");
  const listed = (JSON.parse(unknown.stdout) as { calls: Row[] }).calls;
  expect(listed.length).toBe(rows.filter((row) => row.status === "unknown").length);
  expect(listed.length).toBeGreaterThan(0);
  expect((await program.run("audit", "verify")).code).toBe(0);
});

/** Every recorded call, with the text that lies sealed beside its intent. */
async function allCalls(program: Program): Promise<readonly Row[]> {
  const listed = await program.run("audit", "query", "--tenant", "acme", "--action", "notes:create", "--limit", "200", "--json");
  const { calls } = JSON.parse(listed.stdout) as { calls: { callId: string; status: string }[] };
  return Promise.all(
    calls.map(async ({ callId, status }) => {
      const detail = (await program.get(`/calls/${callId}`)) as { facts?: { args?: { text?: string } } };
      return { callId, status, text: detail.facts?.args?.text };
    }),
  );
}
