import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type NotesCompany, startNotesCompany } from "./notes-company.ts";
import { firstPending, signIn } from "./person.ts";

/** The notes server writes a note of this text and never answers. */
const STALLED = "stall";
/** Each new note asks. */
const GATES = `gates:
  - gate: notes-are-read-first
    reason: a person reads each note before it is kept
    on: { do: [notes:create] }
    require: { approve: { by: [operator], expires: 30m } }
`;

let company: NotesCompany;
beforeEach(async () => {
  company = await startNotesCompany();
  await writeFile(join(company.policyFolder, "gates.yaml"), GATES);
  await company.program.stop();
  await company.restart();
});
afterEach(async () => company.close());

/** Ends the broker as a power cut does, and starts it again. */
async function crash(): Promise<void> {
  const victim = company.program.process;
  const gone = once(victim, "exit");
  victim.kill("SIGKILL");
  await gone;
  await company.restart();
}

async function askFor(text: string): Promise<{ readonly id: string; readonly answer: Promise<unknown> }> {
  const agent = await company.agent("drafting", { task: "minutes" });
  const answer = agent.call("add_note", { text }).then(
    ({ structured, refusal }) => refusal ?? structured,
    () => "the line was cut",
  );
  const { id } = await firstPending(await signIn(company.program, "ada"));
  return { id, answer };
}

const approve = async (id: string): Promise<void> =>
  expect((await company.program.run("approvals", "approve", id, "--as", "ada")).code).toBe(0);
const stateOf = async (id: string): Promise<unknown> => ((await company.program.get(`/approvals/${id}`)) as { state: string }).state;
const notes = async (): Promise<readonly unknown[]> => (await company.effects()).map(({ args }) => args["text"]);

test("a question outlives the broker, and so does the yes to it: the call then runs once, and the next one asks", async () => {
  const { id, answer } = await askFor("budget agreed");
  await crash();
  expect(await answer).toBe("the line was cut");
  expect(await stateOf(id)).toBe("pending");

  await approve(id);
  await crash();
  expect([await stateOf(id), await notes()]).toEqual(["approved", []]);

  const agent = await company.agent("drafting", { task: "minutes" });
  expect((await agent.call("add_note", { text: "budget agreed" })).structured).toEqual({ ok: true });
  expect([await stateOf(id), await notes()]).toEqual(["used", ["budget agreed"]]);

  const again = await askFor("budget agreed");
  expect(again.id).not.toBe(id);
  expect(await notes()).toEqual(["budget agreed"]);
});

test("killed after the tool was asked and before it answered, the yes is used, the call is unknown, and nothing runs again by itself", async () => {
  const { id, answer } = await askFor(STALLED);
  await approve(id);
  while ((await notes()).length === 0) await nextTurn();
  await crash();
  expect(await answer).toBe("the line was cut");

  expect(await stateOf(id)).toBe("used");
  const unknown = await company.program.run("audit", "query", "--status", "unknown", "--action", "notes:create", "--json");
  expect((JSON.parse(unknown.stdout) as { calls: unknown[] }).calls).toHaveLength(1);
  const again = await askFor(STALLED);
  expect(again.id).not.toBe(id);
  expect(await notes()).toEqual([STALLED]);
});

test("killed at the moment of the yes, it ran or it did not, and the approval says which", async () => {
  const { id } = await askFor("at the last moment");
  const ada = await signIn(company.program, "ada");
  const { showing } = await firstPending(ada);
  const gone = once(company.program.process, "exit");
  const answered = ada.send("POST", `/approvals/${id}/approve`, { showing }).catch(() => undefined);
  await answered;
  company.program.process.kill("SIGKILL");
  await gone;
  await company.restart();

  const [state, written] = [await stateOf(id), await notes()];
  expect(["approved", "used"]).toContain(state);
  if (state === "approved") expect(written).toEqual([]);
  const agent = await company.agent("drafting", { task: "minutes" });
  if (state === "approved") expect((await agent.call("add_note", { text: "at the last moment" })).structured).toEqual({ ok: true });
  expect((await notes()).length).toBeLessThanOrEqual(1);
  expect((await company.program.run("audit", "verify")).code).toBe(0);
});
