import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@bailiwick/policy";
import { fingerprint } from "../../packages/broker/src/domain/fingerprint.ts";
import { NOTES_TOOLS } from "./notes-tools.ts";

const SERVER = fileURLToPath(new URL("./notes-server.ts", import.meta.url));

/** Agents of the notes company; `drafting` writes and deletes, `reading` only reads. */
export const AGENTS = {
  drafting: "bailiwick://acme/dev/drafting/writer",
  reading: "bailiwick://acme/dev/reading/reader",
  foreign: "bailiwick://globex/dev/drafting/writer",
} as const;

export const NOTES: readonly JsonObject[] = [
  { id: "n-1", tenant: "acme", author: "ada", email: "ada@acme.example", text: "the office moves in May", private: "salary 4711" },
  { id: "n-2", tenant: "acme", author: "bob", email: "bob@acme.example", text: "lunch is at noon", private: "bonus 12" },
  { id: "n-9", tenant: "globex", author: "gus", email: "gus@globex.example", text: "the merger is secret", private: "price 99" },
];

/** Writes a policy folder for the notes company into `folder`, and the server's data into `data`. */
export async function writeNotesCompany(folder: string, data: string, options: { readonly delayMs?: number } = {}): Promise<void> {
  await mkdir(data, { recursive: true });
  await writeFile(join(data, "notes.json"), JSON.stringify(NOTES));
  await writeFile(join(data, "effects.log"), "");
  const files: Readonly<Record<string, string>> = {
    "bailiwick.yaml": MAIN,
    "tools/notes.yaml": toolFile(data, options.delayMs ?? 0),
    "roles/reader.yaml": READER,
    "roles/writer.yaml": WRITER,
    "agents/drafting.yaml": agentFile("drafting", "writer", "[read, write, delete]", "[acme, globex]"),
    "agents/reading.yaml": agentFile("reading", "reader", "[read]", "[acme]"),
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** What the server really did, oldest first. */
export async function effects(data: string): Promise<readonly { readonly name: string; readonly args: JsonObject }[]> {
  const lines = (await readFile(join(data, "effects.log"), "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as { name: string; args: JsonObject });
}

const MAIN = `version: 1
tenants: [acme, globex]
environments:
  dev: {}
people:
  ada: { name: Ada, email: ada@acme.example, tenants: [acme], roles: [operator] }
  otto: { name: Otto, email: otto@acme.example, tenants: [acme, globex], roles: [owner] }
  gus: { name: Gus, email: gus@globex.example, tenants: [globex], roles: [operator] }
`;

const READER = `role: reader
reason: reads the notes of its own tenant
allow:
  - do: notes:read
    fields: { hide: [private], mask: { email: partial } }
  - do: notes:whoami
`;

const WRITER = `role: writer
reason: drafts notes, and deletes them when a person agrees
extends: [reader]
allow:
  - do: notes:create
    limits: { perMinute: 10000 }
  - do: notes:delete
`;

function agentFile(workflow: string, role: string, effectList: string, tenants: string): string {
  return `agent: ${role}
workflow: ${workflow}
owner: otto
tenants: ${tenants}
environments: [dev]
roles: [${role}]
ceiling: { allow: ["notes:*"], effects: ${effectList} }
`;
}

function toolFile(data: string, delayMs: number): string {
  const reviewed = (name: string): string => fingerprint(NOTES_TOOLS.find((tool) => tool["name"] === name) ?? {});
  return `tool: notes
connect:
  mcp:
    command: ${JSON.stringify([process.execPath, SERVER])}
    env: { NOTES_FOLDER: ${JSON.stringify(data)}, NOTES_DELAY_MS: "${delayMs}" }
credential: { name: notes-account, inject: { environment: NOTES_TOKEN } }
types:
  Note: { id: string, tenant: string, author: string, email: email, text: string, private: string }
tenantField: { Note: tenant }
actions:
  list_notes:
    is: notes:read
    effect: read
    returns: { type: Note, at: result.notes }
    reviewed: ${reviewed("list_notes")}
  read_note:
    is: notes:read
    effect: read
    args: { id: string }
    resource: { type: Note, id: args.id, before: read_note, beforeArgs: { id: args.id } }
    returns: { type: Note, at: result }
    reviewed: ${reviewed("read_note")}
  add_note:
    is: notes:create
    effect: write
    args: { text: string }
    reviewed: ${reviewed("add_note")}
  delete_note:
    is: notes:delete
    effect: delete
    args: { id: string }
    resource: { type: Note, id: args.id, before: read_note, beforeArgs: { id: args.id } }
    reviewed: ${reviewed("delete_note")}
  whoami:
    is: notes:whoami
    effect: read
    reviewed: ${reviewed("whoami")}
`;
}
