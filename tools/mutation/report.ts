import { z } from "zod";

const Position = z.object({ line: z.number(), column: z.number() });
const Mutant = z.object({
  mutatorName: z.string(),
  replacement: z.string().default(""),
  location: z.object({ start: Position, end: Position }),
  status: z.enum(["Killed", "Timeout", "Survived", "NoCoverage", "Ignored", "CompileError", "RuntimeError", "Pending"]),
});
const Report = z.object({ files: z.record(z.string(), z.object({ source: z.string(), mutants: z.array(Mutant) })) });

/** One change of the source, by one operator of Stryker. Lines and columns count from 1. */
export interface Change {
  readonly line: number;
  readonly column: number;
  readonly kind: string;
  readonly status: z.infer<typeof Mutant>["status"];
  readonly original: string;
  readonly replacement: string;
}

/** The changes of one file, in the order of the file. */
export interface Tally {
  readonly file: string;
  readonly changes: readonly Change[];
}

/**
 * Reads Stryker's JSON report, sorted by file and place.
 * @throws ZodError when it is no report of the schema https://github.com/stryker-mutator/mutation-testing-elements describes.
 */
export function readReport(report: unknown): readonly Tally[] {
  return Object.entries(Report.parse(report).files)
    .map(([file, { source, mutants }]) => ({
      file,
      changes: mutants.map((mutant) => changeOf(source, mutant)).toSorted((a, b) => a.line - b.line || a.column - b.column),
    }))
    .toSorted((a, b) => (a.file < b.file ? -1 : 1));
}

/**
 * Percent of the changes that tests noticed, by failing or by not coming to an end. Changes that were ignored or did not run do not
 * count; code that no test reaches does. `undefined` when nothing counts.
 */
export function scoreOf(tallies: readonly Tally[]): number | undefined {
  const noticed = count(tallies, "Killed", "Timeout");
  const all = noticed + count(tallies, "Survived", "NoCoverage");
  return all === 0 ? undefined : (100 * noticed) / all;
}

/** A row for each file, then every change that went unnoticed. A timeout is listed too: on a busy machine it may be a survivor. */
export function formatTallies(tallies: readonly Tally[]): string {
  const rows = [HEADS, ...tallies.map((tally) => rowOf(tally.file, [tally])), rowOf("all", tallies)];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n${LISTED.map(([title, status]) => listOf(title, status, tallies)).join("")}`;
}

/** The whole result in one line. */
export function headline(target: string, tallies: readonly Tally[]): string {
  const unnoticed = count(tallies, "Survived", "NoCoverage");
  return `mutation ${target}: ${percent(scoreOf(tallies))} noticed, ${unnoticed} changes not`;
}

type Status = Change["status"];

const COLUMNS: readonly (readonly [head: string, statuses: readonly Status[]])[] = [
  ["killed", ["Killed"]],
  ["timeout", ["Timeout"]],
  ["survived", ["Survived"]],
  ["no coverage", ["NoCoverage"]],
  ["ignored", ["Ignored"]],
  ["not run", ["CompileError", "RuntimeError", "Pending"]],
];
const HEADS = ["file", ...COLUMNS.map(([head]) => head), "score"];

const LISTED: readonly (readonly [title: string, status: Status])[] = [
  ["survived", "Survived"],
  ["no test reaches", "NoCoverage"],
  ["did not come to an end, and so count as noticed", "Timeout"],
  ["stopped a test file from loading, and so do not count", "RuntimeError"],
];

/** The most of a change that is shown; the report has the rest. */
const MAX_SHOWN = 100;

function rowOf(name: string, tallies: readonly Tally[]): readonly string[] {
  return [name, ...COLUMNS.map(([, statuses]) => String(count(tallies, ...statuses))), percent(scoreOf(tallies))];
}

function count(tallies: readonly Tally[], ...statuses: readonly Status[]): number {
  return tallies.flatMap(({ changes }) => changes).filter(({ status }) => statuses.includes(status)).length;
}

/** Rounded down: 89.96 is not 90. */
function percent(score: number | undefined): string {
  return score === undefined ? "none" : `${(Math.floor(score * 10) / 10).toFixed(1)} %`;
}

function listOf(title: string, wanted: Status, tallies: readonly Tally[]): string {
  const lines = tallies.flatMap(({ file, changes }) =>
    changes
      .filter(({ status }) => status === wanted)
      .map(
        ({ line, column, kind, original, replacement }) =>
          `  ${file}:${line}:${column} ${kind}\n    - ${shown(original)}\n    + ${shown(replacement)}\n`,
      ),
  );
  return lines.length === 0 ? "" : `\n${title}:\n${lines.join("")}`;
}

function shown(code: string): string {
  const words = code.replaceAll(/\s+/g, " ").trim();
  return words.length > MAX_SHOWN ? `${words.slice(0, MAX_SHOWN)} ...` : words;
}

function changeOf(source: string, { mutatorName, replacement, location, status }: z.infer<typeof Mutant>): Change {
  const { start, end } = location;
  const lines = source.split("\n").slice(start.line - 1, end.line);
  const last = (lines.pop() ?? "").slice(0, end.column - 1);
  const original = [...lines, last].join("\n").slice(start.column - 1);
  return { line: start.line, column: start.column, kind: mutatorName, status, original, replacement };
}
