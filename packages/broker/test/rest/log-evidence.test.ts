import {
  entryBundlePath,
  leafHash,
  logPolicy,
  openCheckpoint,
  openSequenceProof,
  openTlogProof,
  parseNoteKey,
  parsePolicyText,
  policyOfLog,
  readEntryBundle,
  readTile,
  TILE_WIDTH,
  tilePath,
} from "@bailiwick/ledger";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { checkpointsSchema, logBaseSchema, logKeysSchema, rotatedKeySchema } from "../../src/rest-contract/log-evidence.ts";
import { openRestHouse, type RestHouse } from "../people-support/rest.ts";

const LOG = "/api/v1/audit/logs/acme";
const AGENT = "bailiwick://acme/prod/support/support-bot";
const RECORDS = 300;

let house: RestHouse;

beforeAll(async () => {
  house = await openRestHouse();
  await Promise.all(
    Array.from({ length: RECORDS }, (_, place) =>
      house.store.log.append("acme", {
        kind: "intent",
        callId: `call_${place}`,
        body: { at: new Date().toISOString(), agent: AGENT, run: `r-${place % 3}`, tool: "tickets" },
      }),
    ),
  );
  await house.store.evidence.settle("acme");
});
afterAll(() => house.close());

describe("what an auditor fetches of a log", () => {
  test("verifies with the key the log names: its checkpoints, tiles and bundles are of one tree", async () => {
    const keys = await json("/keys", logKeysSchema);
    const policy = policyOfLog(parsePolicyText(keys.policy), keys.origin);
    const checkpoint = openCheckpoint(await text("/checkpoint"), policy);
    expect(checkpoint.size).toBeGreaterThanOrEqual(RECORDS);
    const { checkpoints } = await json("/checkpoints", checkpointsSchema);
    expect(checkpoints.map(({ note, size }) => openCheckpoint(note, policy).size === size)).not.toContain(false);
    expect(checkpoints.at(-1)?.size).toBe(checkpoint.size);

    const tile = await get(`/${tilePath({ level: 0, index: 0, width: TILE_WIDTH })}`);
    const bundle = await get(`/${entryBundlePath(0, TILE_WIDTH)}`);
    const hashes = readTile(new Uint8Array(await tile.arrayBuffer()), { level: 0, index: 0, width: TILE_WIDTH });
    const entries = readEntryBundle(new Uint8Array(await bundle.arrayBuffer()), TILE_WIDTH);
    expect(entries.map((entry) => Buffer.from(leafHash(entry)).toString("hex"))).toEqual(
      hashes.map((hash) => Buffer.from(hash).toString("hex")),
    );
    expect([tile, bundle].map((answer) => answer.headers.get("content-type"))).toEqual([OCTETS, OCTETS]);
  });

  test("may be kept for ever when it is full, and not at all when it grows", async () => {
    const cached = async (path: string): Promise<string | null> => (await get(path)).headers.get("cache-control");
    expect(await cached(`/${tilePath({ level: 0, index: 0, width: TILE_WIDTH })}`)).toContain("immutable");
    expect(await cached(`/${entryBundlePath(0, TILE_WIDTH)}`)).toContain("immutable");
    expect(await cached(`/${tilePath({ level: 0, index: 1, width: 17 })}`)).toBe("no-store");
    expect(await cached("/checkpoint")).toBe("no-store");
    expect(await cached("/keys")).toBe("no-store");
  });

  test("comes in pages of checkpoints, each beyond the last", async () => {
    await house.store.log.append("acme", { kind: "admin", callId: "x", body: { at: new Date().toISOString(), event: "one.more" } });
    await house.store.evidence.settle("acme");
    const all = await json("/checkpoints", checkpointsSchema);
    const first = await json("/checkpoints?limit=1", checkpointsSchema);
    const second = await json(`/checkpoints?limit=1&beyond=${first.next}`, checkpointsSchema);
    expect([...first.checkpoints, ...second.checkpoints]).toEqual(all.checkpoints.slice(0, 2));
    expect(all.next).toBeUndefined();
  });

  test("of one record is a proof by itself, also of a record that no checkpoint covered when it was asked for", async () => {
    const { index } = await house.store.log.append("acme", {
      kind: "admin",
      callId: "y",
      body: { at: new Date().toISOString(), event: "late" },
    });
    const proven = openTlogProof(await text(`/proofs/records/${index}`), await trusted());
    expect([proven.index, Buffer.from(proven.record).toString()]).toEqual([index, expect.stringContaining('"event":"late"')]);
  });

  test("of a run or an agent is the proof of all its records", async () => {
    const policy = await trusted();
    const run = openSequenceProof(await text("/proofs/sequences/run/r-1"), policy);
    expect(run.records).toHaveLength(RECORDS / 3);
    const agent = openSequenceProof(await text(`/proofs/sequences/agent/${encodeURIComponent(AGENT)}`), policy);
    expect(agent.records).toHaveLength(RECORDS);
    expect(openSequenceProof(await text("/proofs/sequences/run/never"), policy).records).toEqual([]);
  });

  test("begins at record 0 while nothing was retired", async () => {
    expect(await json("/base", logBaseSchema)).toEqual({ size: 0, frontier: [], heads: [] });
  });

  test("that the log does not have is answered with what to do", async () => {
    for (const path of ["/tile/0/999", "/tile/entries/x001/000", "/tile/0/001.p/255", "/proofs/records/99999999"]) {
      const answer = await get(path);
      expect([answer.status, await answer.json()], path).toMatchObject([404, { code: "not_found", next: [expect.any(String)] }]);
    }
  });

  test.each([
    ["/tile/0/1"],
    ["/tile/0/000.p/256"],
    ["/tile/00/000"],
    ["/tile/0/x000/000"],
    ["/tile/entries/000.p/0"],
    ["/tile/0/%2e%2e/000"],
    ["/tile/64/000"],
    ["/proofs/records/01"],
    ["/proofs/records/-1"],
    ["/proofs/records/9999999999999999"],
    ["/proofs/sequences/user/ana"],
    ["/proofs/sequences/run/a%00b"],
    ["/checkpoints?beyond=-1"],
    ["/checkpoints?limit=1001"],
    ["/checkpoint?surprise=1"],
    ["/tile/0/000?surprise=1"],
  ])("that is asked for wrongly is refused: %s", async (path) => {
    const answer = await get(path);
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: "malformed_request" }]);
  });
});

const PATHS = [
  "/checkpoint",
  "/checkpoints",
  "/keys",
  "/base",
  "/tile/0/000",
  "/tile/entries/000",
  "/proofs/records/0",
  "/proofs/sequences/run/r-1",
];

test("nothing of a log is shown to people of another tenant, in the same words as of no tenant at all", async () => {
  const greta = await house.as("greta");
  for (const path of PATHS) {
    const foreign = await greta("GET", `${LOG}${path}`);
    const unknown = await greta("GET", `/api/v1/audit/logs/nowhere${path}`);
    expect(foreign.status, path).toBe(403);
    expect(await foreign.json()).toEqual(await unknown.json());
  }
  expect((await greta("POST", `${LOG}/rotate-key`)).status).toBe(403);
});

test("nothing of a log is shown without a sign-in, and auditors see all of it", async () => {
  const rudi = await house.as("rudi");
  for (const path of PATHS) {
    expect((await house.anyone("GET", `${LOG}${path}`)).status, path).toBe(401);
    expect((await rudi("GET", `${LOG}${path}`)).status, path).toBe(200);
  }
  expect((await house.anyone("POST", `${LOG}/rotate-key`)).status).toBe(401);
});

describe("a log's key", () => {
  test("is rotated by an operator of the tenant; whoever pinned the first key follows, and the log says who did it", async () => {
    const before = await trusted();
    const { key } = rotatedKeySchema.parse(await (await (await house.as("olaf"))("POST", `${LOG}/rotate-key`)).json());
    await house.store.evidence.settle("acme");
    const keys = await json("/keys", logKeysSchema);
    expect(keys.keys.map((one) => one.key)).toContain(key);
    expect(parseNoteKey(key).name).toBe(before.origin);
    const [record] = await house.store.log.query("acme", { callId: "log-keys", kind: "admin", limit: 1 });
    expect(JSON.parse(record?.text ?? "{}")).toMatchObject({ kind: "admin", event: "log.rotate_key" });
    expect(Object.values(record?.people ?? {})).toEqual(["olaf"]);
  });
  test("is not rotated by people who operate nothing, by auditors, or with a body that says more", async () => {
    for (const person of ["lena", "rudi"]) expect((await (await house.as(person))("POST", `${LOG}/rotate-key`)).status).toBe(403);
    expect((await house.operator("POST", `${LOG}/rotate-key`, { key: "mine" })).status).toBe(400);
  });
});

const OCTETS = "application/octet-stream";

async function get(path: string): Promise<Response> {
  return (await house.as("lena"))("GET", `${LOG}${path}`);
}

async function text(path: string): Promise<string> {
  const answer = await get(path);
  const body = await answer.text();
  expect([answer.status, answer.status === 200 ? "" : body], path).toEqual([200, ""]);
  return body;
}

async function json<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>> {
  return schema.parse(JSON.parse(await text(path)));
}

/** The log's first key alone, as somebody pinned it. */
async function trusted(): Promise<ReturnType<typeof logPolicy>> {
  const { origin, keys } = await json("/keys", logKeysSchema);
  return logPolicy({ origin, keys: keys.slice(0, 1).map(({ key }) => parseNoteKey(key)) });
}
