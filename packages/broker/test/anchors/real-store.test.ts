import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logPolicy, openCheckpoint } from "@bailiwick/ledger";
import { Client } from "pg";
import { beforeEach, expect, test } from "vitest";
import { type Anchoring, startAnchoring } from "../../src/adapters/anchors/anchoring.ts";
import { fileAnchor } from "../../src/adapters/anchors/file-anchor.ts";
import type { Finding } from "../../src/adapters/anchors/finding.ts";
import { witnessAnchor } from "../../src/adapters/anchors/witness-anchor.ts";
import { newKeyFile } from "../../src/witness/key-file.ts";
import { type RunningWitness, startWitness } from "../../src/witness/start-witness.ts";
import { outcomeOf } from "../store/samples.ts";
import { testStore, type TestStore } from "../support/store.ts";

let store: TestStore;
let root: string;
let witness: RunningWitness;
let watch: Anchoring;
const findings: Finding[] = [];

beforeEach(async () => {
  findings.length = 0;
  store = await testStore();
  root = await mkdtemp(join(tmpdir(), "anchors-store-"));
  await write(300);
  await newKeyFile(join(root, "key"), "witness.example");
  witness = await startWitness({
    keyFile: join(root, "key"),
    stateFolder: join(root, "state"),
    fresh: true,
    logs: (await store.store.evidence.keys("acme")).map(({ key }) => key),
    host: "127.0.0.1",
    port: 0,
    now: () => new Date(),
    say: () => undefined,
  });
  watch = startAnchoring({
    evidence: store.store.evidence,
    tenants: () => ["acme", "globex"],
    anchors: [witnessAnchor({ key: witness.key, url: witness.url }), fileAnchor(root)],
    now: () => new Date(),
    alarm: (finding) => void findings.push(finding),
    pause: (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("closed")), { once: true })),
  });
  await watch.look();
  return async () => {
    await watch.close();
    await witness.close();
    await store.close();
    await rm(root, { recursive: true, force: true });
  };
});

async function write(records: number): Promise<void> {
  await Promise.all(
    Array.from({ length: records }, (_, call) => store.store.log.append("acme", outcomeOf(`call_${call}`, store.brokerId))),
  );
  await store.store.evidence.settle("acme");
}

/** As whoever owns the database can: past the triggers, the grants and the walls between tenants. */
async function asOwner(...statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: store.databaseUrl });
  await client.connect();
  await client.query("set session_replication_role = replica");
  for (const statement of statements) await client.query(statement);
  await client.end();
}

test("the store's checkpoints are cosigned and the cosignatures kept, and a log nobody wrote to is no alarm", async () => {
  await write(500);
  await watch.look();
  const { note, size } = (await store.store.evidence.newest("acme")) ?? { note: "", size: 0 };
  const keys = await store.store.evidence.keys("acme");
  const policy = logPolicy({ origin: store.store.evidence.origin("acme"), keys, witnesses: [witness.key], quorum: 1 });
  expect(openCheckpoint(note, policy).size).toBe(800);
  expect(watch.status().map((one) => [one.tenant, one.kind, one.size, one.lag, one.fault])).toEqual([
    ["acme", "witness", size, 0, undefined],
    ["globex", "witness", undefined, 0, undefined],
    ["acme", "file", size, 0, undefined],
    ["globex", "file", undefined, 0, undefined],
  ]);
  expect(findings).toEqual([]);
});

test("a tail that the database's owner cut off, checkpoints and all, is found at the next look", async () => {
  await asOwner(
    "delete from bailiwick.records where tenant_id = 'acme' and index >= 290",
    "delete from bailiwick.checkpoints where tenant_id = 'acme' and size > 290",
  );
  await watch.look();
  expect(findings.map(({ anchor, kind }) => `${kind} at ${anchor}`).toSorted()).toEqual([
    `tail_cut at file ${root}`,
    "tail_cut at witness witness.example",
  ]);
});

test("records that the database's owner changed show as another log as soon as it grows", async () => {
  await asOwner("update bailiwick.records set leaf = replace(leaf, '\"ok\"', '\"no\"') where tenant_id = 'acme' and index = 270");
  await write(10);
  await watch.look();
  expect(findings.map(({ kind }) => kind)).toEqual(["split_view", "split_view"]);
});

test("records that are gone from the middle leave nothing a proof could be made of, and that is found", async () => {
  await write(300);
  await asOwner(
    "delete from bailiwick.records where tenant_id = 'acme' and index = 270",
    "delete from bailiwick.tiles where tenant_id = 'acme'",
  );
  await watch.look();
  expect(findings.map(({ kind }) => kind)).toEqual(["unproven", "unproven"]);
});
