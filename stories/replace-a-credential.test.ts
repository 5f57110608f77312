import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Agent } from "./agent.ts";
import { NOTES_SECRET, startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";

const NEW_SECRET = "nts-8b2e0d5533aa4417c9f2-d7";
const AT = ["--tenant", "acme"] as const;
const versions = z.array(z.looseObject({ name: z.string(), tenant: z.string(), version: z.int(), state: z.string() }));

let company: NotesCompany;
let agent: Agent;
beforeAll(async () => {
  company = await startNotesCompany();
  agent = await company.agent("drafting");
});
afterAll(async () => company.close());

async function states(): Promise<readonly string[]> {
  const listed = await company.program.run("secrets", "list", "--json", "--all", ...AT);
  return versions.parse(JSON.parse(listed.stdout)).map((one) => `${one.version} ${one.state}`);
}

/** The versions that the intents of calls name, oldest first. */
async function versionsUsed(): Promise<readonly unknown[]> {
  const { records } = z
    .object({ records: z.array(z.object({ kind: z.string(), body: z.record(z.string(), z.unknown()) })) })
    .parse(await company.program.get("/audit/records?tenant=acme"));
  return records.filter(({ kind }) => kind === "intent").map(({ body }) => body["credential"]);
}

test("a user replaces a credential while the agent works: stage, try, activate; each call's record names the version it ran with", async () => {
  const { program } = company;
  expect((await agent.call("whoami")).isError).toBe(false);
  const staged = await program.runWithInput(`${NEW_SECRET}\n`, "secrets", "stage", "notes-account", ...AT);
  expect(staged).toMatchObject({ code: 0, stderr: expect.stringContaining("secrets activate notes-account 2 --tenant acme") });
  expect((await agent.call("whoami")).isError).toBe(false);
  expect(await program.run("secrets", "verify", "notes-account", "2", ...AT)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("works at notes"),
  });
  expect((await program.run("secrets", "activate", "notes-account", "2", ...AT)).code).toBe(0);
  expect((await agent.call("whoami")).isError).toBe(false);
  expect(await states()).toEqual(["1 previous", "2 active"]);
  expect(await versionsUsed()).toEqual([1, 1, 2].map((version) => ({ name: "notes-account", version })));
});

test("after the last version is revoked the agent's calls are refused, and say what to do", async () => {
  const { program } = company;
  for (const version of ["1", "2"]) expect((await program.run("secrets", "revoke", "notes-account", version, ...AT)).code).toBe(0);
  expect(await agent.call("whoami")).toMatchObject({ isError: true, refusal: "credential_unavailable" });
  expect(await states()).toEqual(["1 revoked", "2 revoked"]);
});

test("neither value was shown anywhere on the way", async () => {
  const { program } = company;
  const spoken = [
    program.output(),
    JSON.stringify(await program.get("/audit/records?tenant=acme")),
    (await program.run("secrets", "list", "--all", "--json")).stdout,
  ];
  // The search would have found them: the name that stands beside the value everywhere is there.
  expect(spoken.slice(1).every((text) => text.includes("notes-account"))).toBe(true);
  for (const secret of [NOTES_SECRET, NEW_SECRET]) expect(spoken.filter((text) => text.includes(secret))).toEqual([]);
});
