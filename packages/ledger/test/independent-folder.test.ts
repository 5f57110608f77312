import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { needsProgram } from "../../../tools/needs.ts";
import {
  CHECKPOINT_FILE,
  entryBundlePath,
  proveInclusion,
  readEntryBundle,
  signNote,
  parseSignedNote,
  sourceOfTiles,
  TILE_WIDTH,
  tilePath,
} from "../src/index.ts";
import { type Files, filesOf, LOG_KEY, onDisk, run } from "./support/folder.ts";
import { signer } from "./support/keys.ts";
import { nth, ORIGIN, record, writtenLog } from "./support/log.ts";
import { SIGSTORE_ENTRY, sigstoreAccepts } from "./support/sigstore.ts";

// The export folder itself, in the hands of programs that have no line in common with ours.

const SIZE = 600;
const AT = 300;
let files: Files;
let scratch: string;
/** What an attacker may leave, each with the files that are other. */
let tampered: readonly (readonly [string, Readonly<Record<string, Uint8Array>>])[];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "bailiwick-independent-"));
  const log = await writtenLog(
    Array.from({ length: SIZE }, (_, index) => (index === AT ? SIGSTORE_ENTRY : record(index))),
    [SIZE],
  );
  files = filesOf(log);
  const note = nth(log.checkpoints, 0);
  const other = await signNote(parseSignedNote(note).text, [signer(ORIGIN, "note", "thief")]);
  tampered = [
    ...[...files.keys()]
      .filter((path) => path.startsWith("tile/"))
      .map((path) => [`${path} with a changed byte`, { [path]: changed(path) }] as const),
    ["records exchanged", exchanged(AT, AT + 1)],
    ["another size", { [CHECKPOINT_FILE]: Buffer.from(note.replace("\n600\n", "\n599\n")) }],
    ["another heads line", { [CHECKPOINT_FILE]: Buffer.from(note.replace("bailiwick-heads/1 1", "bailiwick-heads/1 2")) }],
    ["another key's signature", { [CHECKPOINT_FILE]: Buffer.from(other) }],
  ];
});
afterAll(() => rmSync(scratch, { recursive: true }));

test("Go's sumdb verifies every record of the folder, and refuses it however it is tampered with", { timeout: 120_000 }, (context) => {
  needsProgram(context, "go", "golang-go");
  const program = join(scratch, "folder");
  // Debian's packages lie in a GOPATH; with modules Go would ask the network.
  const env = { ...process.env, GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "", GOTOOLCHAIN: "local" };
  execFileSync("go", ["build", "-o", program, fileURLToPath(new URL("go/folder/folder.go", import.meta.url))], { env });
  const go = (path: string): { status: number | null; out: string } => {
    const { status, stdout } = spawnSync(program, [path, LOG_KEY], { encoding: "utf8" });
    return { status, out: stdout.trim() };
  };
  expect(inFolder({}, go)).toEqual({ status: 0, out: String(SIZE) });
  for (const [name, changes] of tampered) {
    expect(inFolder(changes, go), `Go: ${name}`).toEqual({ status: 1, out: "" });
    expect(
      inFolder(changes, (path) => run("verify", path, "--key", LOG_KEY).code),
      `ours: ${name}`,
    ).toBe(1);
  }
  expect(tampered.length).toBeGreaterThan(8);
});

test("Sigstore verifies a record by the folder's own files, and refuses it when those it needs are tampered with", () => {
  expect(inFolder({}, bySigstore)).toBe(true);
  const needed = new Set([
    "tile/entries/001 with a changed byte",
    "tile/0/001 with a changed byte",
    "tile/1/000.p/2 with a changed byte",
    "tile/0/002.p/88 with a changed byte",
  ]);
  const cases = tampered.filter(([name]) => needed.has(name) || !name.startsWith("tile/"));
  expect(cases).toHaveLength(needed.size + 4);
  for (const [name, changes] of cases) expect(inFolder(changes, bySigstore), name).toBe(false);
});

/** Record, proof and checkpoint as the files give them; Sigstore decides. */
function bySigstore(path: string): boolean {
  const read = (name: string): Buffer => readFileSync(join(path, name));
  const checkpoint = read(CHECKPOINT_FILE).toString();
  const hashes = proveInclusion(
    sourceOfTiles(SIZE, (tile) => read(tilePath(tile))),
    { index: AT, size: SIZE },
  );
  const entry = nth(readEntryBundle(read(entryBundlePath(1, TILE_WIDTH)), TILE_WIDTH), AT - TILE_WIDTH);
  return sigstoreAccepts({ entry: Buffer.from(entry).toString(), index: AT, size: SIZE, hashes, checkpoint });
}

function inFolder<T>(changes: Readonly<Record<string, Uint8Array>>, work: (path: string) => T): T {
  const disk = onDisk(new Map([...files, ...Object.entries(changes)]));
  try {
    return work(disk.path);
  } finally {
    disk.remove();
  }
}

/** A byte of the sibling of the record that Sigstore looks at, or of the record itself in its bundle. */
function changed(path: string): Uint8Array {
  const bytes = Uint8Array.from(files.get(path) ?? []);
  const text = Buffer.from(bytes).indexOf(SIGSTORE_ENTRY);
  const hash = path === tilePath({ level: 0, index: 1, width: TILE_WIDTH }) ? ((AT - TILE_WIDTH) ^ 1) * 32 : 0;
  const place = text >= 0 ? text + 30 : path.startsWith("tile/entries/") ? 10 : hash;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  return bytes;
}

function exchanged(one: number, other: number): Readonly<Record<string, Uint8Array>> {
  const path = entryBundlePath(1, TILE_WIDTH);
  const entries = [...readEntryBundle(files.get(path) ?? new Uint8Array(), TILE_WIDTH)];
  const [left, right] = [one - TILE_WIDTH, other - TILE_WIDTH];
  [entries[left], entries[right]] = [nth(entries, right), nth(entries, left)];
  const bundle = entries.map((entry) => [Buffer.from([entry.byteLength >> 8, entry.byteLength & 255]), entry]).flat();
  return { [path]: Buffer.concat(bundle) };
}
