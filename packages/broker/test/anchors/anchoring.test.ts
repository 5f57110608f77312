import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatSignedNote, LedgerError, logPolicy, type NoteSigner, openCheckpoint, parseSignedNote } from "@bailiwick/ledger";
import { beforeEach, describe, expect, test } from "vitest";
import { needsProgram } from "../../../../tools/needs.ts";
import { type Anchoring, startAnchoring } from "../../src/adapters/anchors/anchoring.ts";
import { fileAnchor } from "../../src/adapters/anchors/file-anchor.ts";
import type { Finding } from "../../src/adapters/anchors/finding.ts";
import { gitAnchor } from "../../src/adapters/anchors/git-anchor.ts";
import { webhookAnchor } from "../../src/adapters/anchors/webhook-anchor.ts";
import { witnessAnchor } from "../../src/adapters/anchors/witness-anchor.ts";
import { type Anchor, type Anchored, AnchorFault } from "../../src/domain/anchor.ts";
import { newKeyFile } from "../../src/witness/key-file.ts";
import { type RunningWitness, startWitness } from "../../src/witness/start-witness.ts";
import { freshSigner, logKeys, writtenLog, type WrittenLog } from "../witness/log.ts";
import { httpServer } from "./http-server.ts";

const NOW = new Date("2026-11-26T12:00:00Z");
const ORIGIN = "bailiwick.example/log/acme";

let root: string;
let signer: NoteSigner;
let witness: RunningWitness;
let hooks: Awaited<ReturnType<typeof httpServer>>;
/** What the broker's database holds now; a test changes it as somebody with the database would. */
let database: { log: WrittenLog; size: number; signers: readonly NoteSigner[]; lines: string[]; tiles: boolean };
const findings: Finding[] = [];
const waits: number[] = [];
let wake: () => void;

beforeEach(async (context) => {
  needsProgram(context, "git", "git");
  root = await mkdtemp(join(tmpdir(), "anchoring-"));
  findings.length = 0;
  waits.length = 0;
  signer = freshSigner(ORIGIN);
  database = { log: writtenLog(signer, 600), size: 0, signers: [signer], lines: [], tiles: true };
  await newKeyFile(join(root, "key"), "witness.example");
  witness = await startWitness({
    keyFile: join(root, "key"),
    stateFolder: join(root, "state"),
    fresh: true,
    logs: [signer.key],
    host: "127.0.0.1",
    port: 0,
    now: () => NOW,
    say: () => undefined,
  });
  hooks = await httpServer((_, response) => response.writeHead(204).end());
  execFileSync("git", ["init", "--quiet", "--bare", join(root, "anchors.git")]);
  await mkdir(join(root, "volume"));
  return async () => {
    await witness.close();
    await hooks.close();
    await rm(root, { recursive: true, force: true });
  };
});

const makers: Readonly<Record<Anchor["kind"], () => Anchor>> = {
  witness: () => witnessAnchor({ key: witness.key, url: witness.url }),
  file: () => fileAnchor(join(root, "volume")),
  git: () => gitAnchor({ git: join(root, "anchors.git"), branch: "main", cacheFolder: join(root, "cache"), environment: process.env }),
  webhook: () => webhookAnchor({ url: hooks.url, secret: `whsec_${Buffer.alloc(32).toString("base64")}`, now: () => NOW }),
};

async function newest(): Promise<(Anchored & { at: Date }) | undefined> {
  if (database.size === 0) return undefined;
  const { note } = await database.log.at(database.size, database.signers);
  const { text, signatures } = parseSignedNote(note);
  const more = database.lines.flatMap((line) => parseSignedNote(`${text}\n${line}\n`).signatures);
  return { size: database.size, note: formatSignedNote({ text, signatures: [...signatures, ...more] }), at: NOW };
}

function anchoring(anchors: readonly Anchor[], tenants: readonly string[] = ["acme"]): Anchoring {
  return startAnchoring({
    evidence: {
      origin: (tenant) => (tenant === "acme" ? ORIGIN : `${ORIGIN}-of-${tenant}`),
      keys: () =>
        Promise.resolve(
          database.size === 0 ? [] : logKeys(...database.signers, signer).slice(0, new Set([...database.signers, signer]).size),
        ),
      newest,
      proveGrowth: (_, from, to) =>
        database.tiles
          ? database.log.prove(from, to).then((proof) => [...proof])
          : Promise.reject(new LedgerError("tile_missing", "a tile is missing")),
      cosigned: (_, size, lines) => {
        expect(size).toBe(database.size);
        database.lines.push(...lines);
        return Promise.resolve();
      },
    },
    tenants: () => tenants,
    anchors,
    now: () => NOW,
    alarm: (finding) => void findings.push(finding),
    pause: (ms, signal) => {
      waits.push(ms);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      wake = resolve;
      signal.addEventListener("abort", () => reject(new Error("closed")), { once: true });
      return promise;
    },
  });
}

function grow(size: number): void {
  database.size = size;
  database.lines = [];
}

const all = (): readonly Anchor[] => Object.values(makers).map((make) => make());

test("every anchor gets each newest checkpoint, and a cosigned one opens with a quorum of one", async () => {
  const anchors = all();
  const watch = anchoring(anchors);
  await watch.look();
  expect(watch.status().every(({ size, lag, fault }) => size === undefined && lag === 0 && fault === undefined)).toBe(true);
  for (const size of [7, 300, 600]) {
    grow(size);
    await watch.look();
    expect(watch.status()).toEqual(anchors.map(({ name, kind }) => ({ tenant: "acme", anchor: name, kind, size, at: NOW, lag: 0 })));
    const policy = logPolicy({ origin: ORIGIN, keys: [signer.key], witnesses: [witness.key], quorum: 1 });
    expect(openCheckpoint((await newest())?.note ?? "", policy).size).toBe(size);
  }
  for (const anchor of anchors) if (anchor.kind !== "webhook") expect((await anchor.newest(ORIGIN))?.size).toBe(600);
  expect(hooks.received).toHaveLength(3);
  expect(findings).toEqual([]);
  await watch.close();
});

test("an anchor that is up to date is asked and sent nothing", async () => {
  grow(300);
  const watch = anchoring(all());
  await watch.look();
  const history = await readFile(join(root, "volume", encodeURIComponent(ORIGIN), "checkpoints.jsonl"), "utf8");
  await watch.look();
  await watch.look();
  expect(await readFile(join(root, "volume", encodeURIComponent(ORIGIN), "checkpoints.jsonl"), "utf8")).toBe(history);
  expect(hooks.received).toHaveLength(1);
  await watch.close();
});

test("a broker that was gone when the witness answered gets the cosignature later", async () => {
  grow(300);
  await witnessAnchor({ key: witness.key, url: witness.url }).publish(ORIGIN, await database.log.at(300), database.log.prove);
  const watch = anchoring([makers.witness()]);
  await watch.look();
  expect(database.lines).toEqual([expect.stringMatching(/^\u2014 witness\.example /u)]);
  await watch.close();
});

describe.each(["witness", "file", "git", "webhook"] as const)("at a %s", (kind) => {
  /** A webhook cannot be asked, so only the broker that sent the message remembers it. */
  const restarted = async (watch: Anchoring, anchor: Anchor): Promise<Anchoring> => {
    if (kind === "webhook") return watch;
    await watch.close();
    return anchoring([kind === "git" ? anchor : makers[kind]()]);
  };

  test("a tail that was cut is found, once, and a log that grew over the cut is found as well", async () => {
    const anchor = makers[kind]();
    let watch = anchoring([anchor]);
    grow(300);
    await watch.look();
    watch = await restarted(watch, anchor);
    grow(200);
    await watch.look();
    await watch.look();
    expect(findings).toEqual([
      {
        tenant: "acme",
        anchor: anchor.name,
        kind: "tail_cut",
        message: expect.stringMatching(/has 200 records, and .* size 300: its end was cut off/u),
      },
    ]);
    expect(watch.status()).toMatchObject([{ finding: "tail_cut", fault: findings[0]?.message }]);
    database.log = writtenLog(signer, 600, "other", 200);
    grow(400);
    await watch.look();
    await watch.look();
    expect(findings.map((finding) => finding.kind)).toEqual(["tail_cut", "split_view"]);
    // What it holds is evidence, so nothing is written over it.
    if (kind !== "webhook") expect((await anchor.newest(ORIGIN))?.size).toBe(300);
    else expect(hooks.received).toHaveLength(1);
    await watch.close();
  });

  test("another history of the same size is found", async () => {
    const anchor = makers[kind]();
    let watch = anchoring([anchor]);
    grow(300);
    await watch.look();
    watch = await restarted(watch, anchor);
    database.log = writtenLog(signer, 600, "other", 299);
    grow(300);
    await watch.look();
    expect(findings.map((finding) => finding.kind)).toEqual(["split_view"]);
    await watch.close();
  });

  test("an emptied log is found", async () => {
    const anchor = makers[kind]();
    let watch = anchoring([anchor]);
    grow(300);
    await watch.look();
    watch = await restarted(watch, anchor);
    grow(0);
    await watch.look();
    expect(findings).toMatchObject([{ kind: "tail_cut", message: expect.stringContaining("is empty") }]);
    await watch.close();
  });

  test("a log that hides the tiles its proof needs is found", async () => {
    const anchor = makers[kind]();
    const watch = anchoring([anchor]);
    grow(300);
    await watch.look();
    grow(400);
    database.tiles = false;
    await watch.look();
    expect(findings).toMatchObject([{ kind: "unproven", message: expect.stringContaining("cannot prove that it goes on from size 300") }]);
    // An alarm that is over is over; when it comes back it is one again.
    database.tiles = true;
    await watch.look();
    expect(watch.status()).toMatchObject([{ size: 400, lag: 0 }]);
    grow(500);
    database.tiles = false;
    await watch.look();
    expect(findings).toHaveLength(2);
    await watch.close();
  });
});

test("a log that was replaced as a whole, key and all, is found", async () => {
  for (const make of [makers.file, makers.git, makers.witness]) {
    findings.length = 0;
    database = { log: writtenLog(signer, 600), size: 300, signers: [signer], lines: [], tiles: true };
    const anchor = make();
    const first = anchoring([anchor]);
    await first.look();
    await first.close();
    const thief = freshSigner(ORIGIN);
    database = { log: writtenLog(thief, 600), size: 400, signers: [thief], lines: [], tiles: true };
    const [before, keep] = [signer, anchor];
    signer = thief;
    const second = anchoring([keep]);
    await second.look();
    expect(findings).toMatchObject([{ kind: "foreign", message: expect.stringContaining("no key of it signed") }]);
    await second.close();
    signer = before;
  }
});

test("a log whose key changed goes on at every anchor that knows the new key", async () => {
  const rotated = freshSigner(ORIGIN);
  grow(300);
  const watch = anchoring(all());
  await watch.look();
  database.signers = [rotated];
  grow(400);
  await watch.look();
  expect(findings).toEqual([]);
  expect(watch.status().map(({ kind, lag }) => [kind, lag])).toEqual([
    ["witness", 100],
    ["file", 0],
    ["git", 0],
    ["webhook", 0],
  ]);
  expect(watch.status()[0]?.fault).toContain("give it the log's new key with `--log`");
  await watch.close();
});

test("an anchor that forgot is an alarm, and is given the newest checkpoint again", async () => {
  grow(300);
  const watch = anchoring([makers.file()]);
  await watch.look();
  await rm(join(root, "volume", encodeURIComponent(ORIGIN)), { recursive: true });
  await watch.look();
  expect(findings).toMatchObject([
    { kind: "lost", message: expect.stringContaining("held size 300 of the log of `acme` and now holds nothing") },
  ]);
  expect((await makers.file().newest(ORIGIN))?.size).toBe(300);
  await watch.look();
  expect(watch.status()[0]?.fault).toBeUndefined();
  await watch.close();
});

test("a conflict the anchor itself reports is an alarm", async () => {
  grow(300);
  const watch = anchoring([makers.git()]);
  await watch.look();
  execFileSync("git", [`--git-dir=${join(root, "anchors.git")}`, "update-ref", "-d", "refs/heads/main"]);
  await watch.look();
  await watch.look();
  expect(findings).toMatchObject([{ kind: "conflict", message: expect.stringContaining("find out who removed it") }]);
  await watch.close();
});

test("an anchor that does not answer holds up no other, is no alarm, and shows its lag", async () => {
  const file = makers.file();
  const dead = fileAnchor(join(root, "not-mounted"));
  const watch = anchoring([dead, file]);
  grow(300);
  await watch.look();
  expect(watch.status()).toMatchObject([
    { anchor: dead.name, size: undefined, fault: expect.stringContaining("mount its volume") },
    { anchor: file.name, size: 300, lag: 0 },
  ]);
  expect(findings).toEqual([]);
  await watch.close();
});

test("a checkpoint that another broker published between two steps is no alarm", async () => {
  grow(300);
  let othersPublish = true;
  const busy: Anchor = {
    name: "witness busy.example",
    kind: "witness",
    newest: () => Promise.resolve(undefined),
    publish: () => {
      if (othersPublish) grow(database.size + 10);
      return Promise.reject(new AnchorFault("conflict", "it cosigned size 400"));
    },
  };
  const watch = anchoring([busy]);
  await watch.look();
  await watch.look();
  expect(findings).toEqual([]);
  othersPublish = false;
  await watch.look();
  expect(findings).toMatchObject([{ kind: "conflict" }]);
  await watch.close();
});

test("looks come at a steady pace, after failures ever more rarely, and end with `close`", async () => {
  const folder = join(root, "late-volume");
  grow(300);
  const watch = anchoring([fileAnchor(folder)]);
  const next = async (): Promise<void> => {
    const before = waits.length;
    if (before > 0) wake();
    while (waits.length === before) await watch.look();
  };
  await next();
  await next();
  await next();
  expect(waits).toEqual([20_000, 40_000, 80_000]);
  await mkdir(folder);
  await next();
  expect(waits.at(-1)).toBe(10_000);
  await watch.close();
  const after = waits.length;
  wake();
  await watch.close();
  expect(waits).toHaveLength(after);
});

test("a log that an anchor does not take makes the other logs wait no longer", async () => {
  database.size = 10;
  const anchor: Anchor = {
    name: "witness one",
    kind: "witness",
    newest: () => Promise.resolve(undefined),
    publish: (origin) =>
      origin === ORIGIN ? Promise.resolve([]) : Promise.reject(new AnchorFault("refused", "the witness was not told of the log")),
  };
  const watch = anchoring([anchor], ["acme", "globex"]);
  while (waits.length === 0) await watch.look();
  wake();
  while (waits.length === 1) await watch.look();
  expect(watch.status().map(({ tenant, fault }) => [tenant, fault !== undefined])).toEqual([
    ["acme", false],
    ["globex", true],
  ]);
  expect(waits).toEqual([5_000, 5_000]);
  await watch.close();
});
