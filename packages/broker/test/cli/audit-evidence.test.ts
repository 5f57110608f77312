import { generateKeyPairSync, sign } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cosignCheckpoint, formatNoteKey, noteKey, parsePolicyText } from "@bailiwick/ledger";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { writeBrokerFile } from "../../src/config/data-folder.ts";
import type { LogEvidence, SignedCheckpoint } from "../../src/domain/evidence.ts";
import { OPERATOR_KEY, recordCall } from "../people-support/rest.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { ageRecords } from "../store/old-months.ts";
import { filesBelow, keysIn, ledgerIn, parsedPolicy, type Ran, runIn, serveWith } from "./run-in.ts";

const RECORDS = 300;
const AGENT = "bailiwick://acme/prod/support/support-bot";
const AT = ["--tenant", "acme"];

let house: ServedHouse;
let folder: string;

beforeAll(async () => {
  house = await serveRestHouse();
  folder = await mkdtemp(join(tmpdir(), "bailiwick-audit-"));
  await append(RECORDS);
  await settled();
});
afterAll(async () => {
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

describe("audit verify, of a running broker", () => {
  test("pins the log's key at first sight, says so, and proves every record", async () => {
    const data = await dataFolder();
    const first = await run(data, "audit", "verify", ...AT);
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/acme\n {2}log .*\/acme\n[^]*\d+ records, all proven/u) });
    expect(first.err).toContain("is pinned from now on");
    const again = await run(data, "audit", "verify", ...AT, "--json");
    expect(again).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(again.out)).toMatchObject({ ok: true, logs: [{ tenant: "acme", ok: true, covered: expect.any(Number) }] });
  });

  test("answers for a log that has no records yet", async () => {
    expect(await run(await dataFolder(), "audit", "verify", "--tenant", "globex")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^globex\n {2}no checkpoint yet/u),
    });
  });

  test("finds that the end was cut off since the last time, though what is left is whole", async () => {
    const data = await dataFolder();
    const before = await settled();
    await append(3);
    await settled();
    expect((await run(data, "audit", "verify", ...AT)).code).toBe(0);
    const cut = await serveWith(cutAt(before));
    await announce(data, cut.url);
    const found = await run(data, "audit", "verify", ...AT, "--json");
    expect([found.code, JSON.parse(found.out)]).toMatchObject([
      1,
      { ok: false, logs: [{ ok: false, code: "truncated", at: before.size }] },
    ]);
    await cut.close();
    expect((await run(await dataFolder(cut.url), "audit", "verify", ...AT)).code, "a closed broker").toBe(3);
  });

  test("raises an alarm when the first key, or the log's name, is another than was pinned", async () => {
    const data = await dataFolder();
    await run(data, "audit", "verify", ...AT);
    const path = join(data, "known-logs.json");
    const known = await readFile(path, "utf8");
    const other = "AdIEZNsg7ACN6X26rTWBdp1hwJXk8ZQBBQ0VtXJdbSEk";
    const stranger = await serveRestHouse();
    await stranger.store.log.append("acme", { kind: "admin", callId: "x", body: { at: new Date().toISOString(), event: "x" } });
    await stranger.store.evidence.settle("acme");
    await announce(data, stranger.url);
    const found = await run(data, "audit", "verify", ...AT);
    expect(found).toMatchObject({ code: 1, out: expect.stringContaining("NOT PROVEN (untrusted)") });
    expect(found.out).toContain("known-logs.json");
    expect(await readFile(path, "utf8"), "what was pinned stays").toBe(known);
    expect(known).not.toContain(other);
    await stranger.close();
  });

  test("refuses another key than the log's, and takes the log's own", async () => {
    const data = await dataFolder();
    expect((await run(data, "audit", "verify", ...AT, "--key", await firstKey(data))).code).toBe(0);
    const elsewhere = await run(data, "audit", "verify", ...AT, "--key", OTHER_KEY);
    expect(elsewhere).toMatchObject({ code: 1, out: expect.stringContaining("NOT PROVEN (foreign)") });
    expect((await run(data, "audit", "verify", ...AT, "--key", "nonsense")).code).toBe(2);
  });

  test("names a record that somebody changed in the database", async () => {
    const own = await serveRestHouse();
    await append(RECORDS, own);
    await own.store.evidence.settle("acme");
    const data = await dataFolder(own.url);
    expect((await run(data, "audit", "verify", ...AT)).code).toBe(0);
    const owner = new Client({ connectionString: own.databaseUrl });
    await owner.connect();
    await owner.query("set session_replication_role = replica");
    const { rowCount } = await owner.query(
      "update bailiwick.records set leaf = replace(leaf, 'tickets', 'refunds') where tenant_id = 'acme' and index = 17",
    );
    await owner.end();
    expect(rowCount).toBe(1);
    const found = await run(data, "audit", "verify", ...AT, "--json");
    expect([found.code, JSON.parse(found.out)]).toMatchObject([1, { logs: [{ ok: false, code: "changed", at: 17, until: 18 }] }]);
    await own.close();
  });
});

describe("audit verify, of a log that somebody could have replaced", () => {
  test("does not pass a log that is empty where a second place has checkpoints of it", async () => {
    const second = join(folder, "second-place");
    await writeFile(second, (await settled()).note);
    const gone = await serveWith({ ...house.store.evidence, newest: async () => undefined, checkpoints: async () => [] });
    const found = await run(await dataFolder(gone.url), "audit", "verify", ...AT, "--against", second, "--json");
    expect([found.code, JSON.parse(found.out)]).toMatchObject([1, { ok: false, logs: [{ ok: false, code: "truncated" }] }]);
    await gone.close();
  });

  test("asks for the key beside witnesses, instead of passing them over", async () => {
    const data = await dataFolder();
    for (const options of [
      ["--witness", WITNESS_KEY],
      ["--witness-quorum", "1"],
    ])
      expect(await run(data, "audit", "verify", ...AT, ...options)).toMatchObject({ code: 2, err: expect.stringContaining("--key") });
    const key = await firstKey(data);
    const asked = await run(data, "audit", "verify", ...AT, "--key", key, "--witness", WITNESS_KEY);
    expect(asked).toMatchObject({ code: 1, out: expect.stringContaining("quorum_missed") });
  });

  test("at first sight takes a log whose key was changed in records that are retired", async () => {
    const own = await serveRestHouse();
    await append(1, own, "outcome");
    await own.store.evidence.settle("acme");
    await own.store.evidence.rotateKey("acme");
    await own.store.evidence.settle("acme");
    await append(1, own, "outcome");
    await own.store.evidence.settle("acme");
    await append(RECORDS, own, "outcome");
    await own.store.evidence.settle("acme");
    await ageRecords(own.databaseUrl, "acme", { until: 280, period: 202601 });
    const data = await dataFolder(own.url);
    const retired = await own.store.retention.retire("acme", new Date("2026-03-01T00:00:00Z"), {
      by: { named: "operator" },
      reason: "old",
    });
    expect(retired).toMatchObject({ ok: true, to: 256 });
    expect(await run(data, "audit", "verify", ...AT)).toMatchObject({ code: 0, out: expect.stringContaining("begins    at record 256") });
    const target = join(folder, "retired");
    expect((await run(data, "audit", "mirror", target, ...AT)).code).toBe(0);
    expect(await run(data, "audit", "verify", target)).toMatchObject({ code: 0, out: expect.stringContaining("all proven") });
    expect((await run(data, "audit", "verify", ...AT)).code, "with what was pinned").toBe(0);
    await own.close();
  });
});

describe("a log with witnesses that is written to all the time", () => {
  test("verifies up to the next checkpoint that the quorum cosigned", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const { x = "" } = privateKey.export({ format: "jwk" });
    const key = noteKey("witness.example", Buffer.from(x, "base64url"), "cosignature");
    const newest = await settled();
    await append(1);
    const later = await settled();
    await append(1);
    await settled();
    const note = await cosignCheckpoint(later.note, { key, sign: (message) => sign(null, message, privateKey) }, 1_700_000_000);
    const { evidence } = house.store;
    const busy = await serveWith({
      ...evidence,
      newest: async () => newest,
      witnesses: () => ({ keys: [key], quorum: 1 }),
      checkpoints: async (...asked) =>
        (await evidence.checkpoints(...asked)).map((one) => (one.size === later.size ? { ...one, note } : one)),
    });
    const data = await dataFolder(busy.url);
    const pinned = ["--key", await firstKey(data), "--witness", formatNoteKey(key)];
    const found = await run(data, "audit", "verify", ...AT, ...pinned, "--json");
    expect([found.code, JSON.parse(found.out)]).toMatchObject([0, { logs: [{ ok: true, size: later.size }] }]);
    await busy.close();
  });
});

describe("audit mirror", () => {
  test("is left as it is by a log whose end was cut off, or that is another one than it was", async () => {
    const data = await dataFolder();
    const target = join(folder, "mirror-kept");
    const before = await settled();
    await append(3);
    await settled();
    expect((await run(data, "audit", "mirror", target, ...AT)).code).toBe(0);
    const kept = await filesBelow(target);
    const cut = await serveWith(cutAt(before));
    const refused = await run(await dataFolder(cut.url), "audit", "mirror", target, ...AT);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining(`the log has ${before.size} records`) });
    await cut.close();
    const { evidence } = house.store;
    await append(1);
    await settled();
    const other = await serveWith({
      ...evidence,
      entries: async (tenant, bundle, width) => {
        const bytes = await evidence.entries(tenant, bundle, width);
        return bytes === undefined
          ? undefined
          : Buffer.from(Buffer.from(bytes).toString("latin1").replaceAll("tickets", "refunds"), "latin1");
      },
    });
    const replaced = await run(await dataFolder(other.url), "audit", "mirror", target, ...AT);
    expect(replaced).toMatchObject({ code: 1, err: expect.stringContaining("does not go on from it") });
    await other.close();
    const now = await filesBelow(target);
    expect(kept.filter((path) => path.includes("entries") && !now.includes(path))).toEqual([]);
    expect((await run(data, "audit", "mirror", target, ...AT)).code, "of the log that it is").toBe(0);
  });

  test("writes a folder that verifies offline with the pinned key, and with the auditor's program alone", async () => {
    const data = await dataFolder();
    await settled();
    await run(data, "audit", "verify", ...AT);
    const target = join(folder, "mirror-1");
    expect(await run(data, "audit", "mirror", target, ...AT)).toMatchObject({ code: 0, out: expect.stringContaining("files fetched") });
    await rm(join(data, "broker.json"));
    const offline = await run(data, "audit", "verify", target);
    expect(offline).toMatchObject({ code: 0, out: expect.stringContaining("all proven") });
    const { key } = parsedPolicy(await readFile(join(target, "policy"), "utf8"));
    expect(ledger("verify", target, "--key", key)).toMatchObject({ code: 0 });
  });

  test("goes on where it was, and fetches only what is new", async () => {
    const data = await dataFolder();
    const target = join(folder, "mirror-2");
    await settled();
    const fetched = async (): Promise<number> =>
      z.object({ fetched: z.int() }).parse(JSON.parse((await run(data, "audit", "mirror", target, ...AT, "--json")).out)).fetched;
    const all = await fetched();
    expect(all).toBeGreaterThan(3);
    // That the records were read is a record too, once.
    await settled();
    await fetched();
    expect(await fetched()).toBe(0);
    await rm(join(target, "tile/entries/000"));
    expect(await fetched()).toBe(1);
    await append(1);
    await settled();
    expect(await fetched()).toBe(2);
    expect(await readdir(join(target, "tile/entries/001.p")), "partial bundles of before are gone").toHaveLength(1);
    const { key } = parsedPolicy(await readFile(join(target, "policy"), "utf8"));
    expect(ledger("verify", target, "--key", key, "--against", join(folder, "mirror-1"))).toMatchObject({ code: 0 });
  });

  test("does not mix two logs in one folder, and asks which one is meant", async () => {
    const data = await dataFolder();
    const target = join(folder, "mirror-3");
    await mkdir(target);
    await writeFile(join(target, "checkpoint"), "elsewhere.example/log\n1\nx\n");
    expect(await run(data, "audit", "mirror", target, ...AT)).toMatchObject({ code: 1, err: expect.stringContaining("another log") });
    expect(await run(data, "audit", "mirror", target)).toMatchObject({ code: 2, err: expect.stringContaining("--tenant") });
    expect(await run(data, "audit", "mirror", target, "--tenant", "globex")).toMatchObject({ code: 1 });
  });

  test("without a pinned key is not verified by whatever key the folder names", async () => {
    const data = await dataFolder();
    const target = join(folder, "mirror-4");
    await run(data, "audit", "mirror", target, ...AT);
    expect(await run(data, "audit", "verify", target)).toMatchObject({ code: 2, err: expect.stringContaining("--key") });
  });
});

describe("audit prove", () => {
  test("writes proofs of a record, a run and an agent that verify by themselves", async () => {
    const data = await dataFolder();
    const key = await firstKey(data);
    const out = join(folder, "proofs/one");
    expect((await run(data, "audit", "prove", "record", "5", "--out", out, ...AT)).code).toBe(0);
    expect(ledger("verify-proof", out, "--key", key)).toMatchObject({ code: 0, out: expect.stringMatching(/record {4}5 of/u) });
    expect((await run(data, "audit", "prove", "run", "r-1", "--out", out, ...AT)).code).toBe(0);
    expect(ledger("verify-proof", out, "--key", key)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/these are all \d+ records of run r-1/u),
    });
    expect((await run(data, "audit", "prove", "agent", AGENT, "--out", out, ...AT)).code).toBe(0);
    expect(ledger("verify-proof", out, "--key", key)).toMatchObject({ code: 0, out: expect.stringContaining(AGENT) });
    const proof = await readFile(out, "utf8");
    await writeFile(out, proof.replace("tickets", "refunds"));
    expect(ledger("verify-proof", out, "--key", key).code).toBe(1);
  });

  test("writes a file for each record of a call, also of one that has just been made", async () => {
    const data = await dataFolder();
    await recordCall(house, "call_now", "intent");
    await recordCall(house, "call_now", "outcome", { status: "succeeded" });
    const out = join(folder, "proofs/call");
    expect((await run(data, "audit", "prove", "call", "call_now", "--out", out, ...AT)).code).toBe(0);
    const files = await readdir(out);
    expect(files).toHaveLength(2);
    const key = await firstKey(data);
    for (const file of files)
      expect(ledger("verify-proof", join(out, file), "--key", key)).toMatchObject({ code: 0, out: expect.stringContaining("call_now") });
  });

  test("of a call takes the records of its own log only", async () => {
    const data = await dataFolder();
    await recordCall(house, "call_elsewhere", "intent");
    await house.store.log.append("globex", { kind: "admin", callId: "x", body: { at: new Date().toISOString(), event: "x" } });
    const refused = await run(data, "audit", "prove", "call", "call_elsewhere", "--out", join(folder, "proofs/x"), "--tenant", "globex");
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("--tenant acme") });
  });

  test("of what the log does not have, or nobody can prove, says what there is", async () => {
    const data = await dataFolder();
    const out = join(folder, "proofs/none");
    expect((await run(data, "audit", "prove", "record", "99999", "--out", out, ...AT)).code).toBe(1);
    expect((await run(data, "audit", "prove", "user", "ana", "--out", out, ...AT)).code).toBe(2);
  });
});

describe("audit keys and rotate-key", () => {
  test("say whom to believe, also as a policy file of all logs", async () => {
    const data = await dataFolder();
    expect((await run(data, "audit", "keys", ...AT)).out).toMatch(/log +.*\/acme\nkey +.*\/acme\+[^]*, sizes from 0\nquorum +none/u);
    const { logs } = parsePolicyText((await run(data, "audit", "keys", "--as-policy")).out);
    expect(logs.map(({ key }) => key.name.split("/").at(-1))).toContain("acme");
  });

  test("after a rotation whoever pinned the first key still verifies the log", async () => {
    const data = await dataFolder();
    const key = await firstKey(data);
    await run(data, "audit", "verify", ...AT);
    const rotated = await run(data, "audit", "rotate-key", ...AT);
    expect(rotated).toMatchObject({ code: 0, out: expect.stringContaining("/acme+") });
    await append(2);
    await settled();
    const target = join(folder, "rotated");
    await run(data, "audit", "mirror", target, ...AT);
    const offline = ledger("verify", target, "--key", key);
    expect(offline).toMatchObject({ code: 0, out: expect.stringContaining(rotated.out.trim()) });
    expect((await run(data, "audit", "verify", ...AT)).code).toBe(0);
    expect((await run(data, "audit", "verify", ...AT)).code, "with all keys pinned").toBe(0);
  });
});

/** A well-formed key of a log that nobody keeps (RFC 8032, test 1). */
const OTHER_KEY = "elsewhere.example/log+f507e1a8+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
/** A well-formed key of a witness that cosigned nothing. */
const WITNESS_KEY = formatNoteKey(noteKey("witness.example", Buffer.alloc(32, 7), "cosignature"));

async function append(count: number, to: ServedHouse = house, kind: "intent" | "outcome" = "intent"): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, place) =>
      to.store.log.append("acme", {
        kind,
        callId: `call_${place}`,
        body: { at: new Date().toISOString(), agent: AGENT, run: `r-${place % 3}`, tool: "tickets" },
      }),
    ),
  );
}

const settled = (): Promise<SignedCheckpoint> => house.store.evidence.settle("acme");

/** The same log, as if what came after a checkpoint had never been written. */
function cutAt({ size, note, at }: SignedCheckpoint): LogEvidence {
  const { evidence } = house.store;
  return {
    ...evidence,
    newest: async () => ({ size, note, at }),
    checkpoints: async (tenant, beyond, limit) => (await evidence.checkpoints(tenant, beyond, limit)).filter((one) => one.size <= size),
  };
}

/** A fresh data folder of a running broker. */
async function dataFolder(url = house.url): Promise<string> {
  const data = await mkdtemp(join(folder, "data-"));
  await writeFile(join(data, "operator.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  await announce(data, url);
  return data;
}

async function announce(data: string, url: string): Promise<void> {
  await writeBrokerFile(data, { url, pid: process.pid, version: "0.0.0-test", policy: folder, startedAt: new Date().toISOString() });
}

function run(data: string, ...args: readonly string[]): Promise<Ran> {
  return runIn(folder, data, args);
}

function ledger(...argv: readonly string[]): Ran {
  return ledgerIn(folder, argv);
}

async function firstKey(data: string): Promise<string> {
  return keysIn(await run(data, "audit", "keys", ...AT, "--json"))[0] ?? "";
}
