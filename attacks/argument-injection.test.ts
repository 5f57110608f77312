import type { JsonObject } from "@bailiwick/policy";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNotesCompany } from "../stories/notes-company.ts";
import type { NotesCompany } from "../stories/notes-company.ts";

let company: NotesCompany;
beforeAll(async () => {
  company = await startNotesCompany();
});
afterAll(async () => company.close());

const ATTEMPTS: readonly (readonly [string, JsonObject])[] = [
  ["an entity", { text: { __entity: { type: "Agent", id: "bailiwick://acme/dev/drafting/writer" } } }],
  ["an extension value", { text: { __extn: { fn: "unknown", arg: "x" } } }],
  ["an expression", { text: { __expr: "principal" } }],
  ["an entity deep inside", { text: "x", extra: [{ deep: { __entity: { type: "Role", id: "admin" } } }] }],
  ["a prototype", JSON.parse('{"text": "x", "__proto__": {"admin": true}}') as JsonObject],
  ["another type than catalogued", { text: { toString: "x" } }],
  ["a lone surrogate and a huge number", { text: "\ud800", amount: 1e308 }],
];

test.each(ATTEMPTS)("arguments that pose as %s are refused or plain data, and never run as anything else", async (_, args) => {
  const agent = await company.agent("drafting");
  const before = await company.effects();
  const answer = await agent.call("add_note", args);
  const after = await company.effects();
  if (answer.isError) {
    expect(after).toEqual(before);
    expect(answer.refusal).toBe("argument_invalid");
  } else {
    expect(typeof after.at(-1)?.args["text"]).toBe("string");
  }
});

test.each([
  ["an entity", { id: { __entity: { type: "Note", id: "n-9" } } }],
  ["a list", { id: ["n-9"] }],
])("a record id that poses as %s reaches no record", async (_, args: JsonObject) => {
  const agent = await company.agent("drafting");
  const answer = await agent.call("read_note", args);
  expect(answer.isError).toBe(true);
  expect(JSON.stringify(answer.raw)).not.toContain("merger");
});
