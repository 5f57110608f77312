import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase, type TestDatabase } from "../packages/broker/test/support/database.ts";
import { type Agent, connectAgent, registerAgent, tokenFor } from "./agent.ts";
import { NOTES_SECRET } from "./notes-company.ts";
import { type Program, startProgram, temporaryFolder } from "./program.ts";
import { AGENTS, effects, writeNotesCompany } from "./world/notes-policy.ts";

// Two brokers of one deployment: one PostgreSQL, one root key, one public URL, each on a port of its own.
const PUBLIC_URL = "http://broker.example:7400";
const ROOT_KEY = "5e".repeat(32);

let home: Awaited<ReturnType<typeof temporaryFolder>>;
let database: TestDatabase;
let one: Program;
let other: Program;
let notes: string;

beforeAll(async () => {
  home = await temporaryFolder();
  database = await testDatabase();
  notes = join(home.path, "notes");
  const policy = join(home.path, "policy");
  await writeNotesCompany(policy, notes);
  const start = (name: string): Promise<Program> =>
    startProgram(
      { policy, data: join(home.path, name) },
      { args: ["--public-url", PUBLIC_URL, "--database-url", database.databaseUrl], environment: { BAILIWICK_ROOT_KEY: ROOT_KEY } },
    );
  one = await start("one");
  other = await start("other");
  const stored = await one.runWithInput(`${NOTES_SECRET}\n`, "secrets", "set", "notes-account", "--tenant", "acme");
  expect(stored.code, stored.stderr).toBe(0);
});
afterAll(async () => {
  await other.stop();
  await one.stop();
  await database.close();
  await home.remove();
});

/** The agent with a token from the first broker, speaking to whichever broker. */
async function agents(): Promise<readonly [Agent, Agent]> {
  const keyFile = await registerAgent(one, AGENTS.drafting);
  const token = await tokenFor(one, AGENTS.drafting, keyFile, { audience: `${PUBLIC_URL}/oauth/token` });
  return [await connectAgent(one, token), await connectAgent(other, token)];
}

test("a token of one broker works at the other, and an agent killed at one is refused at both from its next call on", async () => {
  const [here, there] = await agents();
  for (const agent of [here, there]) expect((await agent.call("add_note", { text: "before" })).isError).toBe(false);

  const killed = await one.run("kill", "agent", AGENTS.drafting, "--reason", "it writes nonsense");
  expect(killed.code, killed.stderr).toBe(0);
  expect(killed.stdout).toContain("its next call is refused");
  for (const agent of [here, there]) {
    const answer = await agent.call("add_note", { text: "after" });
    expect(JSON.stringify(answer.raw)).toContain("agent_stopped");
    expect(JSON.stringify(answer.raw)).toContain("it writes nonsense");
  }
  expect((await effects(notes)).map((effect) => effect.args)).toEqual([{ text: "before" }, { text: "before" }]);

  expect((await other.run("stops")).stdout).toContain("it writes nonsense");
  expect((await other.run("resume", "agent", AGENTS.drafting, "--reason", "mended")).code).toBe(0);
  for (const agent of [here, there]) await expect.poll(async () => (await agent.call("list_notes")).isError).toBe(false);
});

test("while everything is stopped nobody gets a token either", async () => {
  const keyFile = await registerAgent(one, AGENTS.reading);
  expect((await other.run("kill", "everything", "--reason", "an incident")).code).toBe(0);
  await expect(tokenFor(one, AGENTS.reading, keyFile, { audience: `${PUBLIC_URL}/oauth/token` })).rejects.toThrow("an incident");
  expect((await one.run("resume", "everything", "--reason", "over")).code).toBe(0);
  await expect(tokenFor(one, AGENTS.reading, keyFile, { audience: `${PUBLIC_URL}/oauth/token` })).resolves.toBeTypeOf("string");
});
