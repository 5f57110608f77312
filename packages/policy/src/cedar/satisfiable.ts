import type { Expr } from "./expression.ts";
import type { Bounds } from "./bounds.ts";
import { narrowed } from "./bounds.ts";
import { print } from "./print.ts";
import { specialize } from "./specialize.ts";
import type { Known } from "./specialize.ts";

/** Alternatives beyond this are not looked at one by one; the expression then counts as satisfiable. */
const MAX_ALTERNATIVES = 256;

/** Two parts of a condition that cannot be true together, or one that cannot be true at all. */
export interface Conflict {
  readonly parts: readonly Expr[];
}

/**
 * Says why an expression can never be true, or undefined when it may be. Sound, not complete: undefined proves nothing.
 * It folds constants and follows what each alternative demands of a value: equality, order, patterns, presence.
 */
export function conflictIn(expr: Expr): Conflict | undefined {
  const alternatives = alternativesOf(specialize(expr, NOTHING_KNOWN), true);
  if (alternatives === undefined) return undefined;
  let found: Conflict = { parts: [expr] };
  for (const atoms of alternatives) {
    const conflict = conflictAmong(atoms);
    if (conflict === undefined) return undefined;
    found = conflict;
  }
  return alternatives.length === 1 ? found : { parts: [expr] };
}

const NOTHING_KNOWN: Known = {};

/** Whether the expression is true whenever it does not fail. Sound, not complete. */
export function isTautology(expr: Expr): boolean {
  return conflictIn({ op: "!", of: expr }) !== undefined;
}

/** A part of a condition, and whether it must be true or false. */
interface Atom {
  readonly expr: Expr;
  readonly wanted: boolean;
}

/** The expression as alternatives, each a list of atoms that must come out as wanted (disjunctive normal form). Undefined when there are too many. */
function alternativesOf(expr: Expr, wanted: boolean): Alternatives {
  if (expr.op === "!") return alternativesOf(expr.of, !wanted);
  if (expr.op === "if") {
    return sum(
      product(alternativesOf(expr.test, true), alternativesOf(expr.yes, wanted)),
      product(alternativesOf(expr.test, false), alternativesOf(expr.no, wanted)),
    );
  }
  if (expr.op !== "&&" && expr.op !== "||") return [[{ expr, wanted }]];
  const join = (expr.op === "&&") === wanted ? product : sum;
  return join(alternativesOf(expr.left, wanted), alternativesOf(expr.right, wanted));
}

type Alternatives = readonly (readonly Atom[])[] | undefined;

function sum(a: Alternatives, b: Alternatives): Alternatives {
  return a === undefined || b === undefined || a.length + b.length > MAX_ALTERNATIVES ? undefined : [...a, ...b];
}

function product(a: Alternatives, b: Alternatives): Alternatives {
  if (a === undefined || b === undefined || a.length * b.length > MAX_ALTERNATIVES) return undefined;
  return a.flatMap((left) => b.map((right) => [...left, ...right]));
}

/** Narrows what each value may be, atom by atom, until nothing is left of one. */
function conflictAmong(atoms: readonly Atom[]): Conflict | undefined {
  const seen = new Map<string, { readonly wanted: boolean; readonly expr: Expr }>();
  const bounds = new Map<string, { readonly bounds: Bounds; readonly parts: readonly Expr[] }>();
  for (const { expr, wanted } of atoms) {
    const shown: Expr = wanted ? expr : { op: "!", of: expr };
    if (expr.op === "error" || (expr.op === "value" && expr.value !== wanted)) return { parts: [shown] };
    const text = print(expr);
    const before = seen.get(text);
    if (before !== undefined && before.wanted !== wanted) return { parts: [before.expr, shown] };
    seen.set(text, { wanted, expr: shown });
    const step = narrowed(expr, wanted, (path) => bounds.get(path)?.bounds);
    if (step === undefined) continue;
    const parts = [...(bounds.get(step.path)?.parts ?? []), shown];
    if (step.bounds === "nothing") return { parts };
    bounds.set(step.path, { bounds: step.bounds, parts });
  }
  return undefined;
}
