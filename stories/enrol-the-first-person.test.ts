import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "./notes-company.ts";
import type { NotesCompany } from "./notes-company.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
}, 60_000);
afterAll(async () => {
  await company.close();
});

test("the first screen prints an enrolment link for the owner, which opens a page that knows whose it is", async () => {
  const link = /^ {2}enrol {4}(http:\/\/localhost:\d+\/enrol#([\w-]{43}))$/mu.exec(company.program.output());
  expect(company.program.output()).toContain("registers the first passkey of otto");
  const [, url = "", code = ""] = link ?? [];
  expect((await fetch(url)).status).toBe(200);
  const answer = await fetch(new URL("/api/v1/enrolment/options", url), {
    method: "POST",
    headers: { origin: new URL(url).origin, "content-type": "application/json" },
    body: JSON.stringify({ code }),
  });
  expect(await answer.json()).toMatchObject({ person: "otto", name: "Otto", options: { rp: { id: "localhost" } } });
});

test("the operator invites everybody else from the command line, and sees who can sign in with what", async () => {
  const invited = await company.program.run("people", "invite", "ada");
  expect(invited.stdout).toMatch(/^http:\/\/localhost:\d+\/enrol#[\w-]{43}\n$/u);
  expect(invited.stderr).toContain("enrols ada once");
  expect((await company.program.run("people")).stdout).toMatch(/^ada +acme +operator +0 +0 +-$/mu);
  const stranger = await company.program.run("people", "invite", "nobody");
  expect([stranger.code, stranger.stdout]).toEqual([1, ""]);
});
