import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { expect, test } from "vitest";
import { openStore, startEmbedded, type Store } from "../../src/adapters/store/index.ts";
import { handleCall } from "../../src/call/handle-call.ts";
import { adminRecord } from "../../src/domain/admin-record.ts";
import type { Session } from "../../src/domain/session.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import { AGENT, incoming, structured, world } from "../call/support.ts";
import { answerOf } from "./approval-sample.ts";
import { dataFolder } from "./embedded-folder.ts";
import { filesBelow, findIn, findInFiles } from "./find-bytes.ts";

/** Texts that stand nowhere by chance, with letters that have other forms in JSON. */
const mark = (what: string): string => `${what}·"${randomBytes(9).toString("hex")}"`;
const MARKS = {
  user: mark("person"),
  task: mark("task"),
  data: mark("data"),
  note: mark("argument"),
  record: mark("record"),
  stated: mark("stated"),
  result: mark("result"),
  answer: mark("answer"),
  peer: mark("peer"),
};
const ALL = Object.values(MARKS);
const TENANT = "acme";

test("the search finds a marker in every form it looks for, wherever it begins", () => {
  const marker = mark("control");
  const forms = [
    Buffer.from(marker),
    Buffer.from(marker, "utf16le"),
    Buffer.from(JSON.stringify({ marker })),
    Buffer.from(JSON.stringify({ marker: JSON.stringify(marker) })),
    Buffer.from(Buffer.from(marker).toString("hex")),
    ...["", "a", "ab"].map((before) => Buffer.from(Buffer.from(`${before}${marker}zz`).toString("base64"))),
    Buffer.from(Buffer.from(`x${marker}`).toString("base64url")),
  ];
  for (const form of forms) expect(findIn(Buffer.concat([randomBytes(100), form]), "here", [marker]), form.toString()).not.toEqual([]);
  expect(findIn(randomBytes(100_000), "here", [marker])).toEqual([]);
});

test(
  "after an erasure nothing the person left is in the database's files, its logs, or an export, and all proofs verify",
  { timeout: 180_000 },
  async () => {
    const folder = await dataFolder();
    const said: string[] = [];
    const server = await startEmbedded({ folder: folder.path, log: (line) => said.push(line) });
    const owner = new Client({ connectionString: server.ownerUrl("postgres") });
    await owner.connect();
    await owner.query("create database bailiwick template template0");
    const store = await openStore(
      { databaseUrl: server.ownerUrl("bailiwick"), rootKey: randomBytes(32).toString("hex") },
      { brokerId: "b", log: (line) => said.push(line), complain: (tenant, error) => said.push(`${tenant} ${String(error)}`) },
    );
    try {
      await live(store);
      // Without this the rest would show nothing.
      const records = await store.log.query(TENANT, { user: MARKS.user, limit: 100 });
      expect(records.map(({ kind }) => kind).toSorted()).toEqual(expect.arrayContaining(["admin", "hold", "intent", "refusal"]));
      const calls = [...new Set(records.map(({ callId }) => callId))];
      const facts = JSON.stringify(await Promise.all(calls.map((call) => store.log.facts(TENANT, call))));
      const kept = ALL.filter((marker) => marker !== MARKS.result);
      expect(kept.filter((marker) => !facts.includes(JSON.stringify(marker).slice(1, -1)))).toEqual([]);
      const wrapped = await wrappedKeys(server.ownerUrl("bailiwick"));

      expect(await store.erasure.erase(TENANT, MARKS.user, { by: { person: "olga" }, reason: "they asked" })).toMatchObject({ ok: true });

      await owner.query("checkpoint");
      const files = await filesBelow(folder.path);
      expect(files.filter((path) => path.includes("pg_wal")).length).toBeGreaterThan(0);
      expect(await findInFiles(files, ALL)).toEqual([]);
      // What does stand there is found, so the files were read.
      expect(await findInFiles(files, [AGENT])).not.toEqual([]);
      // The key that opened it all is in no table any more; in the write-ahead log it stays until PostgreSQL is done with that.
      const tables = files.filter((path) => path.includes(join("data", "base")));
      expect(await containing(tables, wrapped.erased)).toEqual([]);
      expect(await containing(tables, wrapped.other)).not.toEqual([]);

      const exported = await exportOf(store);
      expect(exported.length).toBeGreaterThan(1_000);
      expect(findIn(exported, "export", ALL)).toEqual([]);
      expect(findIn(Buffer.from(said.join("\n")), "log", ALL)).toEqual([]);
      expect(await store.log.query(TENANT, { user: MARKS.user, limit: 10 })).toEqual([]);
      for (const call of calls) expect(await store.log.facts(TENANT, call)).toBeUndefined();
      expect(await verifyLog(store, TENANT)).toMatchObject({ ok: true });
      const { size } = await store.evidence.settle(TENANT);
      for (let index = 0; index < size; index += 1)
        expect(await store.evidence.proveRecord(TENANT, index)).toContain("c2sp.org/tlog-proof");
    } finally {
      await store.close();
      await owner.end();
      await server.close();
    }
    expect(await findInFiles(await filesBelow(folder.path), ALL)).toEqual([]);
    await folder.remove();
  },
);

/** Reads, changes, is refused, held and approved: all with what must be gone later. */
async function live(store: Store): Promise<void> {
  const { ports, session: plain, tool } = await world(store);
  tool.answer = (_, args) =>
    structured({
      id: String(args["id"]),
      tenant: TENANT,
      region: MARKS.record === args["id"] ? "emea" : "amer",
      status: "open",
      notes: MARKS.result,
      ssn: MARKS.result,
    });
  const session: Session = {
    ...plain,
    id: "ses_marked",
    user: MARKS.user,
    task: MARKS.task,
    data: { note: MARKS.data },
    rows: [{ Ticket: { id: [MARKS.record, "T-9"] } }],
  };
  await store.sessions.create(session);
  const call = (name: string, args: Parameters<typeof incoming>[2]): ReturnType<typeof handleCall> =>
    handleCall(ports, { ...incoming(session.id, name, args), peer: MARKS.peer, statedReason: MARKS.stated });
  expect((await call("get_ticket", { id: MARKS.record })).kind).toBe("result");
  expect((await call("update_ticket", { id: MARKS.record, status: MARKS.note })).kind).toBe("result");
  expect((await call("update_ticket", { id: "T-9", status: MARKS.note })).kind).toBe("refused");
  const held = await call("delete_ticket", { id: MARKS.record });
  expect(held.kind).toBe("pending");
  const [asked] = (await store.approvals.list(TENANT, { state: "pending", order: "newest", limit: 10 })).approvals;
  expect(asked).toMatchObject({ user: MARKS.user, task: MARKS.task, statedReason: MARKS.stated });
  const answer = answerOf("approve", { reason: MARKS.answer });
  // As the REST interface answers: the record first.
  await store.log.append(
    TENANT,
    adminRecord({
      at: answer.at,
      event: "approval.approve",
      by: { person: answer.by },
      callId: asked?.callId ?? "",
      user: MARKS.user,
      task: MARKS.task,
      approver: answer.by,
      facts: { reason: MARKS.answer },
    }),
  );
  await store.approvals.answer(TENANT, asked?.id ?? "", { answer, seen: 0, state: "approved" });
  expect((await call("delete_ticket", { id: MARKS.record })).kind).toBe("result");
  // Held once more and not answered: it is open when the person is erased.
  expect((await call("delete_ticket", { id: MARKS.record })).kind).toBe("pending");
  for (const query of [{ task: MARKS.task }, { resource: { type: "Ticket", id: MARKS.record } }, { user: MARKS.user }])
    expect((await store.log.query(TENANT, { ...query, limit: 10 })).length).toBeGreaterThan(0);
}

/** What an auditor gets: leaves, tiles, checkpoints. */
async function exportOf(store: Store): Promise<Buffer> {
  const { size, note } = await store.evidence.settle(TENANT);
  const parts: Uint8Array[] = [Buffer.from(note)];
  for (let from = 0; from < size; from += 256) {
    const width = Math.min(256, size - from);
    parts.push((await store.evidence.entries(TENANT, from / 256, width)) ?? new Uint8Array());
    parts.push((await store.evidence.tile(TENANT, { level: 0, index: from / 256, width })) ?? new Uint8Array());
  }
  const records = await store.log.query(TENANT, { limit: 1_000 });
  return Buffer.concat([...parts, Buffer.from(JSON.stringify(records))]);
}

/** The wrapped keys of the marked person and of everybody else. */
async function wrappedKeys(url: string): Promise<{ readonly erased: Buffer; readonly other: Buffer }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ wrapped_key: Buffer; marked: boolean }>(
      "select wrapped_key, pseudonym in (select subject from bailiwick.sessions where id = 'ses_marked') as marked from bailiwick.subjects",
    );
    const key = (marked: boolean): Buffer => rows.find((row) => row.marked === marked)?.wrapped_key ?? Buffer.from("there is none");
    return { erased: key(true), other: key(false) };
  } finally {
    await client.end();
  }
}

async function containing(paths: readonly string[], bytes: Buffer): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of paths) if ((await readFile(path).catch(() => Buffer.alloc(0))).includes(bytes)) found.push(path);
  return found;
}
