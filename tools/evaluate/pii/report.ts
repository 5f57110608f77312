import { FINDING_KINDS } from "../../../packages/broker/src/risk/content/index.ts";
import { KIND_OF_LABEL, type Row } from "./corpus.ts";
import { type Count, f1, type Match, precision, recall, score } from "./score.ts";
import { HOSTILE, hostile, type Hostile, megabyteOf, rateOver, SIZES_MB } from "./speed.ts";

/** Bars of the design: structured F1; a megabyte in a second; no input takes more than linear work. */
const MIN_F1 = 0.95;
const MIN_MB_PER_SECOND = 1;
const MAX_EXPONENT = 1.05;

export interface Report {
  readonly text: string;
  readonly data: object;
  readonly met: boolean;
}

export function evaluatePii(rows: readonly Row[], sizesMb: readonly number[] = SIZES_MB): Report {
  const parts = (["all", "dev", "held-out"] as const).map((name) => ({
    name,
    rows: name === "all" ? rows : rows.filter(({ half }) => half === name),
  }));
  const { mistakes, score: exact } = score(rows, "exact");
  const rates = { corpus: rateOver(rows.map(({ text }) => text)), megabyte: rateOver([megabyteOf(rows)]) };
  const hostiles = Object.entries(HOSTILE).map(([name, unit]) => hostile(name, unit, sizesMb));
  const worst = Math.max(...hostiles.map(({ exponent }) => exponent));
  const met = f1(exact.all) >= MIN_F1 && rates.megabyte >= MIN_MB_PER_SECOND && worst <= MAX_EXPONENT;
  const lines = [
    ...labelLines(rows),
    "",
    ...parts.flatMap((part) => scoreLines(part.name, part.rows)),
    ...mistakes.slice(0, 20).map(({ kind, what, value, before }) => `${what} ${kind}: ${JSON.stringify(`${before}>>>${value}<<<`)}`),
    "",
    `speed: ${rates.corpus.toFixed(1)} MB/s over the corpus, ${rates.megabyte.toFixed(1)} MB/s over one text of 1 MB`,
    "",
    ...hostileLines(hostiles, sizesMb),
    "",
    `structured F1 ${f1(exact.all).toFixed(3)} (bar ${MIN_F1}), 1 MB at ${rates.megabyte.toFixed(1)} MB/s (bar ${MIN_MB_PER_SECOND}), steepest work exponent ${worst.toFixed(3)} (bar ${MAX_EXPONENT}): ${met ? "met" : "MISSED"}`,
  ];
  const data = {
    scores: parts.map((part) => ({ part: part.name, ...figures(part.rows) })),
    megabytesPerSecond: rates,
    hostile: hostiles,
    met,
  };
  return { text: `${lines.join("\n")}\n`, data, met };
}

function labelLines(rows: readonly Row[]): readonly string[] {
  const counts = Map.groupBy(
    rows.flatMap(({ labels }) => labels),
    ({ label }) => label,
  );
  const mapped = Object.entries(KIND_OF_LABEL).map(([label, kind]) => `${label} -> ${kind}`);
  const others = [...counts].filter(([label]) => !Object.hasOwn(KIND_OF_LABEL, label)).map(([label, all]) => `${label} (${all.length})`);
  return [
    `${rows.length} texts; labels with a form of their own: ${mapped.join(", ")}`,
    `not looked for, they need a model or the rest of the record: ${others.join(", ") || "none"}`,
  ];
}

function scoreLines(name: string, rows: readonly Row[]): readonly string[] {
  const { score: exact } = score(rows, "exact");
  const { score: touching } = score(rows, "touching");
  const line = (kind: string, count: Count): string =>
    [
      kind.padEnd(8),
      ...[count.right, count.wrong, count.missed].map((each) => String(each).padStart(6)),
      ...[precision(count), recall(count), f1(count)].map((each) => each.toFixed(3).padStart(9)),
    ].join(" ");
  return [
    `${name}: ${rows.length} texts`,
    `${"type".padEnd(8)}  right  wrong missed precision    recall        F1`,
    ...FINDING_KINDS.flatMap((kind) => {
      const count = exact.byKind.get(kind);
      return count === undefined ? [] : [line(kind, count)];
    }),
    line("all", exact.all),
    `         F1 when touching is enough: ${f1(touching.all).toFixed(3)}`,
    "",
  ];
}

function figures(rows: readonly Row[]): object {
  const of = (match: Match): object => {
    const { score: found } = score(rows, match);
    const all = [...found.byKind, ["all", found.all] as const];
    return Object.fromEntries(
      all.map(([kind, count]) => [kind, { ...count, precision: precision(count), recall: recall(count), f1: f1(count) }]),
    );
  };
  return { texts: rows.length, exact: of("exact"), touching: of("touching") };
}

function hostileLines(hostiles: readonly Hostile[], sizesMb: readonly number[]): readonly string[] {
  const column = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(9)).join("");
  return [
    `${"hostile text, ms".padEnd(22)}${column([...sizesMb.map((size) => `${size} MB`), "work/char", "exponent", "of clock"])}`,
    ...hostiles.map(
      ({ name, ms, work, exponent, clockExponent }) =>
        name.padEnd(22) +
        column([...ms.map((each) => each.toFixed(0)), (work.at(-1) ?? 0).toFixed(1), exponent.toFixed(3), clockExponent.toFixed(2)]),
    ),
  ];
}
