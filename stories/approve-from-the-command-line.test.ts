import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";
import type { Program } from "./program.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("a held call waits, shows what would be deleted, and runs once a person approves it", async () => {
  const agent = await company.agent("drafting", { task: "tidy up" });
  const waiting = agent.call("delete_note", { id: "n-1" });
  const id = await pendingApproval(company.program);
  const shown = await company.program.run("approvals", "show", id);
  expect(shown.stdout).toContain("n-1");
  expect(shown.stdout).toMatch(/defaults\/gates\.yaml:\d+|gates\.yaml:\d+/);
  expect(await company.effects()).toEqual([]);

  const approved = await company.program.run("approvals", "approve", id, "--as", "ada");
  expect([approved.code, approved.stderr]).toEqual([0, expect.any(String)]);
  expect((await waiting).structured).toEqual({ ok: true });
  expect(await company.effects()).toEqual([{ name: "delete_note", args: { id: "n-1" } }]);
});

test("a denied call tells the agent the person's reason, and nothing runs", async () => {
  const before = await company.effects();
  const agent = await company.agent("drafting", { task: "tidy up more" });
  const waiting = agent.call("delete_note", { id: "n-2" });
  const id = await pendingApproval(company.program);
  const denied = await company.program.run("approvals", "deny", id, "--as", "ada", "--reason", "bob still needs it");
  expect(denied.code).toBe(0);
  const answer = await waiting;
  expect(answer.refusal).toBe("approval_denied");
  expect(answer.text).toContain("bob still needs it");
  expect(await company.effects()).toEqual(before);
});

test("a person of another tenant can neither see nor answer it", async () => {
  const agent = await company.agent("drafting", { task: "third" });
  const waiting = agent.call("delete_note", { id: "n-2" });
  const id = await pendingApproval(company.program);
  const stranger = await company.program.run("approvals", "approve", id, "--as", "gus");
  expect(stranger.code).toBe(1);
  await company.program.run("approvals", "deny", id, "--as", "ada", "--reason", "end of test");
  expect((await waiting).refusal).toBe("approval_denied");
});

async function pendingApproval(program: Program): Promise<string> {
  for (;;) {
    const listed = await program.run("approvals", "list", "--json");
    const [first] = JSON.parse(listed.stdout) as { id: string }[];
    if (first !== undefined) return first.id;
    await setTimeout(50);
  }
}
