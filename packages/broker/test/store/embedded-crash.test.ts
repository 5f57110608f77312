import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { expect, test } from "vitest";
import { openStore } from "../../src/adapters/store/index.ts";
import { verifyLog } from "../../src/insight/verify-log.ts";
import type { AuditLog, StoredRecord } from "../../src/domain/audit.ts";
import { dataFolder, serversOn } from "./embedded-folder.ts";

const ROUNDS = 20;
/** Confirmations to see before the kill, so that every round dies in the middle of its work. */
const CONFIRMED_PER_ROUND = 150;
const TIMEOUT_MS = 180_000;

interface Confirmed {
  readonly kind: string;
  readonly callId: string;
  readonly index: number;
}

test.runIf(process.platform === "linux")(
  `a broker killed ${ROUNDS} times under load loses nothing it confirmed, never runs two servers, and its open calls surface as unknown`,
  async () => {
    const folder = await dataFolder();
    const confirmed: Confirmed[] = [];
    let mostServers = 0;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        confirmed.push(
          ...(await runAndKill(folder.path, round, async () => {
            mostServers = Math.max(mostServers, (await serversOn(folder.path)).length);
          })),
        );
      }
      const store = await openStore({ dataFolder: folder.path }, { brokerId: "last" });
      mostServers = Math.max(mostServers, (await serversOn(folder.path)).length);
      const records = await readAll(store.log);
      expectAllThere(records, confirmed);
      const open = openCalls(records);
      expect(await store.log.surfaceUnknown("acme", new Date())).toBe(open.size);
      expect(open.size).toBeGreaterThanOrEqual(ROUNDS);
      expect(await store.log.surfaceUnknown("acme", new Date())).toBe(0);
      const unknown = await store.log.query("acme", { status: "unknown", limit: 10_000 });
      expect(new Set(unknown.map((record) => record.callId))).toEqual(open);
      expect(unknown).toHaveLength(open.size);
      expect(openCalls(await readAll(store.log)).size).toBe(0);
      expect(await verifyLog(store, "acme")).toMatchObject({ ok: true });
      await store.close();
      expect(mostServers).toBe(1);
      expect(await serversOn(folder.path)).toEqual([]);
    } finally {
      await folder.remove();
    }
  },
  TIMEOUT_MS,
);

async function runAndKill(folder: string, round: number, look: () => Promise<void>): Promise<readonly Confirmed[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "load-child.ts"), folder, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const confirmed: Confirmed[] = [];
  const exited = once(child, "exit");
  let looked = false;
  for await (const line of linesOf(child)) {
    if (!looked) await look();
    looked = true;
    const [kind = "", callId = "", index = ""] = line.split(" ");
    if (kind === "intent" || kind === "outcome") confirmed.push({ kind, callId, index: Number(index) });
    if (confirmed.length === CONFIRMED_PER_ROUND) child.kill("SIGKILL");
  }
  await exited;
  expect(confirmed.length).toBeGreaterThanOrEqual(CONFIRMED_PER_ROUND);
  return confirmed;
}

function linesOf(child: ChildProcess & { readonly stdout: Readable | null }): AsyncIterable<string> {
  if (child.stdout === null) throw new Error("the child has no standard output");
  return createInterface({ input: child.stdout });
}

function expectAllThere(records: readonly StoredRecord[], confirmed: readonly Confirmed[]): void {
  const byIndex = new Map(records.map((record) => [record.index, record]));
  const lost = confirmed.filter(({ kind, callId, index }) => {
    const record = byIndex.get(index);
    return record?.callId !== callId || record.kind !== kind;
  });
  expect(lost).toEqual([]);
  expect(new Set(records.map((record) => `${record.kind} ${record.callId}`)).size).toBe(records.length);
}

function openCalls(records: readonly StoredRecord[]): Set<string> {
  const open = new Set<string>();
  for (const record of records) {
    if (record.kind === "intent") open.add(record.callId);
    else open.delete(record.callId);
  }
  return open;
}

async function readAll(log: AuditLog): Promise<readonly StoredRecord[]> {
  const all: StoredRecord[] = [];
  for (;;) {
    const page = await log.read("acme", all.length, 1_000);
    if (page.length === 0) return all;
    all.push(...page);
  }
}
