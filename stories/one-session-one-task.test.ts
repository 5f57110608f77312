import { connect, connectDelegated, loadAgentKey } from "@bailiwick/client";
import type { AgentConnection, ConnectOptions } from "@bailiwick/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registerAgent } from "./agent.ts";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";
import { AGENTS } from "./world/notes-policy.ts";

let company: NotesCompany;
let keyFile: string;
beforeAll(async () => {
  company = await startNotesCompany();
  keyFile = await registerAgent(company.program, AGENTS.drafting);
});
afterAll(async () => company.close());

async function open(task: string, more: Partial<ConnectOptions> = {}): Promise<AgentConnection> {
  return connect({ url: company.program.url, key: await loadAgentKey(keyFile), user: "ada", task, ...more });
}

async function liveTasks(): Promise<readonly string[]> {
  const listed = await company.program.run("sessions", "list", "--json");
  return (JSON.parse(listed.stdout) as { readonly task: string }[]).map(({ task }) => task);
}

async function added(): Promise<readonly unknown[]> {
  return (await company.effects()).map((effect) => effect.args["text"]);
}

test.each(["dpop", "hmac", "none"] as const)("the started broker takes the proof %s", async (proof) => {
  const line = await open(`proof-${proof}`, { proof });
  expect(await line.call("add_note", { text: proof })).toMatchObject({ kind: "result", isError: false });
  await line.end();
});

test("a session that its program ends is gone from the broker's list", async () => {
  const line = await open("short-1");
  expect(await line.call("add_note", { text: "one" })).toMatchObject({ kind: "result", isError: false });
  expect(await liveTasks()).toContain("short-1");
  await line.end();
  expect(await liveTasks()).not.toContain("short-1");
});

test("a narrowed connection cannot do what its session can", async () => {
  const line = await open("narrow-1");
  const reading = line.narrow({ scope: ["notes:read"] });
  expect(await reading.call("add_note", { text: "not this one" })).toMatchObject({ kind: "refused" });
  expect(await line.call("add_note", { text: "this one" })).toMatchObject({ kind: "result", isError: false });
  expect(await added()).not.toContain("not this one");
  await line.end();
});

test("a session for one note sees no other", async () => {
  const line = await open("rows-1", { rows: { Note: { id: ["n-1"] } } });
  expect(await line.call("read_note", { id: "n-1" })).toMatchObject({ kind: "result", isError: false });
  expect(await line.call("read_note", { id: "n-2" })).toMatchObject({ kind: "refused", code: "outside_session_scope" });
  await line.end();
});

test("a session with a budget of two calls makes two", async () => {
  const line = await open("budget-1", { limits: { calls: 2 } });
  expect(await line.call("add_note", { text: "first" })).toMatchObject({ kind: "result" });
  expect(await line.call("add_note", { text: "second" })).toMatchObject({ kind: "result" });
  expect(await line.call("add_note", { text: "third" })).toMatchObject({ kind: "refused", code: "budget_spent" });
  expect(await added()).not.toContain("third");
  await line.end();
});

test("work is passed on to another agent, seen and ended by whoever passed it on", async () => {
  const line = await open("parent-1");
  const reader = await loadAgentKey(await registerAgent(company.program, AGENTS.reading));
  const delegation = await line.delegate({ agent: AGENTS.reading, scope: ["notes:read"] });
  const child = await connectDelegated({ key: reader, delegation, task: "child-1" });
  expect(await child.call("list_notes")).toMatchObject({ kind: "result", isError: false });
  expect(await child.call("add_note", { text: "by the child" })).toMatchObject({ kind: "refused" });

  const [passedOn] = await line.listDelegated();
  expect(passedOn).toMatchObject({ agent: AGENTS.reading, task: "child-1", scope: ["notes:read"] });
  expect(await line.endDelegated(passedOn?.session ?? "")).toEqual([passedOn?.session]);
  expect(await child.call("list_notes")).toMatchObject({ kind: "refused", code: "session_revoked" });
  await expect(line.endDelegated("ses_unknown")).rejects.toMatchObject({ code: "session_refused" });
  await child.close();
  await line.end();
});

test("what was passed on ends with the session it came from", async () => {
  const line = await open("parent-2");
  const reader = await loadAgentKey(await registerAgent(company.program, AGENTS.reading));
  const child = await connectDelegated({ key: reader, delegation: await line.delegate({ agent: AGENTS.reading }) });
  await line.end();
  expect(await child.call("list_notes")).toMatchObject({ kind: "refused", code: "session_revoked" });
  await child.close();
});
