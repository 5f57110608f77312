import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  byRunAndAgent,
  canonicalize,
  formatSequenceProof,
  formatTlogProof,
  headsMap,
  newTiles,
  proveInclusion,
  sourceOfLeaves,
  tilePath,
  writeTile,
} from "../src/index.ts";
import { nth, plainLog } from "./support/log.ts";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const README = readFileSync(join(PACKAGE, "README.md"), "utf8");
const EXAMPLES = [...README.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? "");
const SIZE = 300;
const folder = mkdtempSync(join(tmpdir(), "bailiwick-auditor-"));
let records: readonly string[];

beforeAll(async () => {
  const log = await plainLog(SIZE, 100);
  records = log.records;
  const source = sourceOfLeaves(log.leaves);
  const checkpoint = nth(log.checkpoints, -1);
  put("export/records.jsonl", `${records.join("\n")}\n`);
  put("export/checkpoints.json", JSON.stringify(log.checkpoints));
  for (const tile of newTiles(0, SIZE)) put(`export/${tilePath(tile)}`, writeTile(source, tile));
  const prove = (index: number): ReturnType<typeof proveInclusion> => proveInclusion(source, { index, size: SIZE });
  put("record.tlog-proof", formatTlogProof({ index: 17, hashes: prove(17), checkpoint, extra: Buffer.from(nth(records, 17)) }));
  const heads = headsMap();
  for (const [index, text] of records.entries()) for (const key of byRunAndAgent(JSON.parse(text))) heads.add(key, index);
  const sequence = { kind: "run", name: "r-3" };
  const own = records.flatMap((text, index) => (index % 7 === 3 ? [{ index, text, hashes: prove(index) }] : []));
  put("run.sequence-proof", formatSequenceProof({ sequence, checkpoint, head: heads.prove(sequence), records: own }));
  mkdirSync(join(folder, "node_modules/@bailiwick"), { recursive: true });
  symlinkSync(PACKAGE, join(folder, "node_modules/@bailiwick/ledger"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("the README has two examples, the first of at most ten lines beside its imports", () => {
  expect(EXAMPLES).toHaveLength(2);
  expect(EXAMPLES[0]?.split("\n").filter((line) => line !== "" && !line.startsWith("import ")).length).toBeLessThanOrEqual(10);
});

test("the README's example verifies an export, and names the record that somebody edited", () => {
  const said = output(nth(EXAMPLES, 0));
  put("export/records.jsonl", `${records.with(141, canonicalize({ run: "r-1", seq: 141 })).join("\n")}\n`);
  const saidThen = output(nth(EXAMPLES, 0));
  expect([said, saidThen]).toEqual([`${SIZE} records, all proven`, "record 141 (changed): record 141 was changed after it was written"]);
  expect(README).toContain(`It prints \`${said}\`; after somebody edited a record, \`${saidThen}\`.`);
});

test("the README's example opens the proof of a record and of a run", () => {
  const own = Array.from({ length: 43 }, (_, place) => place * 7 + 3).filter((index) => index < SIZE);
  expect(output(nth(EXAMPLES, 1)).split("\n")).toEqual([
    `record 17 of ${SIZE}: ${nth(records, 17)}`,
    `run r-3 has these ${own.length} records and no other: ${own.join(" ")}`,
  ]);
});

function put(name: string, content: string | Uint8Array): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Runs an example as an auditor does: a file beside the export. */
function output(code: string): string {
  put("audit.mts", code);
  return execFileSync(process.execPath, ["audit.mts"], { cwd: folder, encoding: "utf8" }).trim();
}
