import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { codeHeadings, linkViolations, linksOf, tableRows } from "./architecture/markdown.ts";
import {
  compositionViolations,
  directionViolations,
  LAYERS,
  lengthViolations,
  purityViolations,
  unsafeViolations,
} from "./architecture/rules.ts";
import type { Violation } from "./architecture/rules.ts";
import { readSource, unionMembers } from "./architecture/source.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SKIPPED_FOLDERS = new Set(["node_modules", "coverage", "reports", "dist", "screenshots"]);

const files = treeFiles(ROOT);
/** Types made by a program from the OpenAPI document: nobody reads or writes them. */
const MADE = "packages/console/app/api/contract.d.ts";
const sources = files.filter((path) => /\.tsx?$/u.test(path) && path !== MADE).map((path) => readSource(path, read(path)));
const documents = files.filter((path) => path.endsWith(".md"));

describe("the tree keeps the rules of the house", () => {
  test("the scan sees the sources of every layer that exists", () => {
    expect(sources.length).toBeGreaterThan(20);
    const seen = LAYERS.filter((layer) => sources.some((source) => layer.folder.test(source.path))).map((layer) => layer.name);
    expect(seen).toEqual(expect.arrayContaining(["policy", "domain", "call"]));
    expect(sources.flatMap((source) => source.imports).length).toBeGreaterThan(20);
  });
  test("imports follow the direction policy, ledger <- domain, risk <- call <- insight <- adapters <- main, cli", () => {
    expect(listed(sources.flatMap(directionViolations))).toEqual([]);
  });
  test("pure folders use no clock, randomness, network, file, timer or global", () => {
    expect(listed(sources.flatMap(purityViolations))).toEqual([]);
  });
  test("only the composition root takes adapters", () => {
    expect(listed(sources.flatMap(compositionViolations))).toEqual([]);
  });
  test("no file is longer than 400 lines", () => {
    expect(listed(sources.flatMap(lengthViolations))).toEqual([]);
  });
  test("no any, double cast or non-null assertion goes without a reason", () => {
    expect(listed(sources.flatMap(unsafeViolations))).toEqual([]);
  });
  test("every relative link of every document leads somewhere", () => {
    expect(documents).toContain("README.md");
    expect(documents.flatMap((path) => linksOf(read(path))).length).toBeGreaterThan(10);
    expect(listed(documents.flatMap((path) => linkViolations(path, read(path), lookup)))).toEqual([]);
  });
});

describe("documents and code name the same things", () => {
  test("docs/spec/refusals.md documents exactly the refusal codes that exist", () => {
    const codes = [
      ...unionMembers("refusal.ts", read("packages/broker/src/call/refusal.ts"), "RefusalCode"),
      ...unionMembers("types.ts", read("packages/policy/src/types.ts"), "PolicyRefusalCode"),
    ];
    expect(codes.length).toBeGreaterThan(30);
    expect(codeHeadings(read("docs/spec/refusals.md"), 3).toSorted()).toEqual(codes.toSorted());
  });
  test("docs/spec/refusals.md documents exactly the fault codes that exist", () => {
    const codes = unionMembers("fault.ts", read("packages/broker/src/domain/fault.ts"), "FaultCode");
    expect(codes.length).toBeGreaterThan(5);
    expect(codeHeadings(read("docs/spec/refusals.md"), 4).toSorted()).toEqual(codes.toSorted());
  });
  test("each threat of SECURITY.md names a test that exists", () => {
    const rows = tableRows(read("SECURITY.md"));
    expect(rows.length).toBeGreaterThan(10);
    const untested = rows.filter(({ row }) => {
      const tests = linksOf(row).filter(({ target }) => target.endsWith(".test.ts"));
      return tests.length === 0 || tests.some(({ target }) => lookup(target) === undefined);
    });
    expect(untested.map(({ row, line }) => `SECURITY.md:${line} ${row}`)).toEqual([]);
  });
});

function listed(violations: readonly Violation[]): readonly string[] {
  return violations.map(({ path, line, what }) => `${path}:${line} ${what}`);
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function lookup(path: string): string | undefined {
  const stat = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return stat.isDirectory() ? "" : read(path);
}

function treeFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".") || SKIPPED_FOLDERS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return treeFiles(path);
    return entry.isFile() ? [relative(ROOT, path)] : [];
  });
}
