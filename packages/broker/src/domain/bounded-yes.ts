import { canonicalize } from "@bailiwick/ledger";
import type { Json, JsonObject } from "@bailiwick/policy";
import type { Approval, ApprovalBounds, ArgumentBound, BoundedApproval } from "./approval.ts";

/** A call as a standing yes is compared with. */
export interface AskedAgain {
  readonly session: string;
  readonly task: string;
  readonly args: JsonObject;
  readonly fingerprint: string;
  readonly policyVersion: string;
  /** Ids of the rules that ask for a person. */
  readonly rules: readonly string[];
}

/**
 * Whether a yes to several calls covers this one: the same tool and policy version, no rule that did not ask then, within its session or task, and
 * each argument the approved one or within its bound.
 */
export function covers({ approval, bounds, args }: BoundedApproval, asked: AskedAgain): boolean {
  const rules = new Set(approval.rules.map(({ id }) => id));
  return (
    approval.fingerprint === asked.fingerprint &&
    approval.policyVersion === asked.policyVersion &&
    asked.rules.every((id) => rules.has(id)) &&
    approval.task === asked.task &&
    (bounds.within === "task" || approval.session === asked.session) &&
    [...new Set([...Object.keys(args), ...Object.keys(asked.args)])].every((name) =>
      fits(ownOf(bounds.args, name), ownOf(args, name), ownOf(asked.args, name)),
    )
  );
}

/** Why these bounds may not be given, or undefined: they must stay within what the question allows, and hold for the call itself. */
export function boundsProblem(approval: Approval, bounds: ApprovalBounds, args: JsonObject, now: Date): string | undefined {
  const most = approval.terms.bounded;
  if (most === undefined) return "the rules that ask here want a yes for each call";
  if (bounds.uses > most.uses) return `at most ${most.uses} calls may be approved together`;
  if (bounds.until.getTime() > now.getTime() + most.forMs) return `it may hold for ${Math.round(most.forMs / 60_000)} minutes at most`;
  if (bounds.until <= now) return "it would be over already";
  const stray = Object.keys(bounds.args).find((name) => !Object.hasOwn(args, name));
  if (stray !== undefined) return `the call has no argument \`${stray}\``;
  const outside = Object.keys(bounds.args).find((name) => !fits(ownOf(bounds.args, name), ownOf(args, name), ownOf(args, name)));
  return outside === undefined ? undefined : `the bound of \`${outside}\` does not hold for the call that is asked for`;
}

/** Names of objects' prototypes are no arguments and no bounds. */
function ownOf<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

/** A range without a lower end begins at zero: nobody means a negative amount. */
function fits(bound: ArgumentBound | undefined, approved: Json | undefined, asked: Json | undefined): boolean {
  if (bound === undefined) return same(approved, asked);
  if ("any" in bound) return true;
  if ("in" in bound) return bound.in.some((each) => same(each, asked));
  return typeof asked === "number" && asked >= (bound.min ?? 0) && asked <= bound.max;
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalize(a) === canonicalize(b);
}
