import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "../stories/notes-company.ts";
import type { NotesCompany } from "../stories/notes-company.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

test("an approval runs its call once: the same call again, other arguments, another task and a second yes all get nothing out of it", async () => {
  const { program } = company;
  const agent = await company.agent("drafting", { task: "cleanup" });
  const first = agent.call("delete_note", { id: "n-1" });
  const used = await pending();
  expect((await program.run("approvals", "approve", used, "--as", "ada")).code).toBe(0);
  expect((await first).structured).toEqual({ ok: true });

  const again = agent.call("delete_note", { id: "n-1" });
  const second = await pending();
  expect(second).not.toBe(used);
  const other = await company.agent("drafting", { task: "something else" });
  const elsewhere = other.call("delete_note", { id: "n-2" });
  expect((await program.run("approvals", "approve", used, "--as", "ada")).code).toBe(1);
  const ticket = await agent.call("approval_wait", { ticket: used });
  expect(ticket.isError).toBe(true);
  expect(await company.effects()).toHaveLength(1);

  for (const id of await allPending(2)) await program.run("approvals", "deny", id, "--as", "ada", "--reason", "no");
  expect([(await again).refusal, (await elsewhere).refusal]).toEqual(["approval_denied", "approval_denied"]);
  expect(await company.effects()).toHaveLength(1);
});

async function pending(): Promise<string> {
  const [first] = await allPending(1);
  return String(first);
}

async function allPending(count: number): Promise<readonly string[]> {
  for (;;) {
    const listed = await company.program.run("approvals", "list", "--json");
    const ids = (JSON.parse(listed.stdout) as { id: string }[]).map((one) => one.id);
    if (ids.length >= count) return ids;
    await setTimeout(50);
  }
}
