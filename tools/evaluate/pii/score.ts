import { type Finding, type FindingKind, FINDING_KINDS, scan } from "../../../packages/broker/src/risk/content/index.ts";
import { KIND_OF_LABEL, type Row } from "./corpus.ts";

export interface Count {
  readonly right: number;
  /** Found, and not labelled so. */
  readonly wrong: number;
  readonly missed: number;
}

export interface Score {
  readonly byKind: ReadonlyMap<FindingKind, Count>;
  readonly all: Count;
}

/** `exact`: kind, start and end agree. `touching`: kind agrees and the places overlap, which is what masking needs at least. */
export type Match = "exact" | "touching";

export interface Mistake {
  readonly kind: FindingKind;
  readonly what: "wrong" | "missed";
  readonly value: string;
  readonly before: string;
}

export function score(rows: readonly Row[], match: Match): { readonly score: Score; readonly mistakes: readonly Mistake[] } {
  const counts = new Map<FindingKind, Count>();
  const mistakes: Mistake[] = [];
  const add = (kind: FindingKind, what: keyof Count): void => {
    const old = counts.get(kind) ?? NONE;
    counts.set(kind, { ...old, [what]: old[what] + 1 });
  };
  for (const { text, labels } of rows) {
    const wanted = labels.flatMap(({ start, end, label }) => {
      const kind = KIND_OF_LABEL[label];
      return kind === undefined ? [] : [{ kind, start, end }];
    });
    const found = scan(text, FINDING_KINDS);
    const note = (what: "wrong" | "missed", { kind, start, end }: Place): void => {
      add(kind, what);
      mistakes.push({ kind, what, value: text.slice(start, end), before: text.slice(Math.max(0, start - 30), start) });
    };
    for (const one of found) if (!wanted.some((each) => agrees(match, one, each))) note("wrong", one);
    for (const one of wanted) {
      if (found.some((each) => agrees(match, one, each))) add(one.kind, "right");
      else note("missed", one);
    }
  }
  return { score: { byKind: counts, all: [...counts.values()].reduce(sum, NONE) }, mistakes };
}

const NONE: Count = { right: 0, wrong: 0, missed: 0 };

type Place = Pick<Finding, "kind" | "start" | "end">;

function agrees(match: Match, one: Place, other: Place): boolean {
  if (one.kind !== other.kind) return false;
  return match === "exact" ? one.start === other.start && one.end === other.end : one.start < other.end && other.start < one.end;
}

function sum(left: Count, right: Count): Count {
  return { right: left.right + right.right, wrong: left.wrong + right.wrong, missed: left.missed + right.missed };
}

export function precision({ right, wrong }: Count): number {
  return right + wrong === 0 ? 1 : right / (right + wrong);
}

export function recall({ right, missed }: Count): number {
  return right + missed === 0 ? 1 : right / (right + missed);
}

export function f1({ right, wrong, missed }: Count): number {
  return right + wrong + missed === 0 ? 1 : (2 * right) / (2 * right + wrong + missed);
}
