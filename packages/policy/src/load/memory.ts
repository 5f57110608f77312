import { parseExpression, parsePolicy } from "../engine/parse-condition.ts";
import type { ParsedPolicy } from "../engine/parse-condition.ts";

/** A finding of Cedar's validator. `start` counts from the start of the text that was validated. */
export interface Fault {
  readonly message: string;
  readonly help: string | null;
  readonly start: number;
}

/** What Cedar's validator says of one text in one place. */
export interface Verdict {
  readonly errors: readonly Fault[];
  /** Beside "impossible". */
  readonly warnings: readonly Fault[];
  readonly impossible: boolean;
}

/** A parsed expression without the form it was read from, which nobody needs again. */
export type ParsedExpression =
  | Pick<Extract<ParsedPolicy, { readonly ok: true }>, "ok" | "expr" | "usesResource">
  | Extract<ParsedPolicy, { readonly ok: false }>;

/**
 * What loading one version found out by asking the interpreter. A place names everything beside the text that a verdict depends on:
 * the schema and what the text is asked of.
 */
export interface Remembered {
  readonly expressions: ReadonlyMap<string, ParsedExpression>;
  readonly policies: ReadonlyMap<string, ParsedPolicy>;
  readonly verdicts: ReadonlyMap<string, ReadonlyMap<string, Verdict>>;
}

/**
 * Asks the interpreter only for what neither the version before nor this load has asked. What it ends up with holds only what this load
 * asked for, so that it does not grow with the versions, and nothing that keeps an older version alive.
 */
export class LoadMemory {
  readonly #before: Remembered | undefined;
  readonly #expressions = new Map<string, ParsedExpression>();
  readonly #policies = new Map<string, ParsedPolicy>();
  readonly #verdicts = new Map<string, Map<string, Verdict>>();

  constructor(before: Remembered | undefined) {
    this.#before = before;
  }

  expression(text: string): ParsedExpression {
    return asked(this.#expressions, text, () => this.#before?.expressions.get(text) ?? slim(parseExpression(text)));
  }

  /** Its scope and annotations as Cedar's form has them; its clauses are only in `expr`. */
  policy(text: string): ParsedPolicy {
    return asked(this.#policies, text, () => this.#before?.policies.get(text) ?? withoutClauses(parsePolicy(text)));
  }

  verdict(place: string, text: string): Verdict | undefined {
    const known = this.#verdicts.get(place)?.get(text);
    if (known !== undefined) return known;
    const before = this.#before?.verdicts.get(place)?.get(text);
    if (before !== undefined) this.keep(place, text, before);
    return before;
  }

  keep(place: string, text: string, verdict: Verdict): void {
    asked(this.#verdicts, place, () => new Map<string, Verdict>()).set(text, verdict);
  }

  get kept(): Remembered {
    return { expressions: this.#expressions, policies: this.#policies, verdicts: this.#verdicts };
  }
}

function slim(parsed: ParsedPolicy): ParsedExpression {
  return parsed.ok ? { ok: true, expr: parsed.expr, usesResource: parsed.usesResource } : parsed;
}

function withoutClauses(parsed: ParsedPolicy): ParsedPolicy {
  return parsed.ok ? { ...parsed, json: { ...parsed.json, conditions: [] } } : parsed;
}

function asked<T>(map: Map<string, T>, key: string, find: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const found = find();
  map.set(key, found);
  return found;
}
