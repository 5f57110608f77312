import type { Finding, FindingKind } from "../finding.ts";
import type { Plain } from "../plain.ts";
import { cardAt } from "./card.ts";
import { type HintAt, hintsFor } from "./hints.ts";
import { ipv4At } from "./ipv4.ts";
import { phoneAt, phoneEnd, phoneStart } from "./phone.ts";
import { digitRuns, type Group } from "./runs.ts";
import { ssnAt } from "./ssn.ts";

/** Kinds that are made of digits. They are looked for together, since one number can be only one of them. */
export function findNumbers(plain: Plain, kinds: ReadonlySet<FindingKind>): readonly Finding[] {
  const found: Finding[] = [];
  for (const run of digitRuns(plain)) {
    const hintAt = hintsFor(plain.text, run);
    for (let at = 0; at < run.length;) {
      // However a group is looked at, that is bounded: a number has at most 19 digits, and a hint is near it.
      plain.work += 1;
      const one = dateEnd(run, at) === undefined ? numberAt(plain.text, run, at, hintAt) : undefined;
      if (one !== undefined && kinds.has(one.finding.kind)) found.push(one.finding);
      at = one?.next ?? dateEnd(run, at) ?? at + 1;
    }
  }
  return found;
}

interface Numbered {
  readonly next: number;
  readonly finding: Finding;
}

function numberAt(text: string, run: readonly Group[], at: number, hintAt: HintAt): Numbered | undefined {
  const card = cardAt(text, run, at);
  if (card !== undefined) return numbered("card", run, at, card, "checked");
  const ip = ipv4At(text, run, at);
  if (ip !== undefined) return numbered("ip", run, at, ip, "checked");
  const ssn = ssnAt(text, run, at, hintAt);
  if (ssn !== undefined) return numbered("ssn", run, at, ssn, "shaped");
  const phone = phoneAt(text, run, at, hintAt);
  if (phone === undefined) return undefined;
  const [first, last] = [run[at], run[phone.next - 1]];
  if (first === undefined || last === undefined) return undefined;
  const [start, end] = [phoneStart(text, first), phoneEnd(text, last)];
  return { next: extended(run, phone.next, end), finding: { kind: "phone", start, end, sure: phone.sure } };
}

/** An extension's digits are not looked at again. */
function extended(run: readonly Group[], next: number, end: number): number {
  let after = next;
  while ((run[after]?.start ?? end) < end) after += 1;
  return after;
}

function numbered(kind: FindingKind, run: readonly Group[], at: number, next: number, sure: Finding["sure"]): Numbered | undefined {
  const [first, last] = [run[at], run[next - 1]];
  return first === undefined || last === undefined ? undefined : { next, finding: { kind, start: first.start, end: last.end, sure } };
}

/** The index behind a calendar date: it looks like the groups of a telephone number and is none. */
function dateEnd(run: readonly Group[], at: number): number | undefined {
  const [first, second, third] = [run[at], run[at + 1], run[at + 2]];
  if (first === undefined || second === undefined || third === undefined || second.before !== third.before) return undefined;
  if (!"-./".includes(second.before) || second.before === "") return undefined;
  const isoLike = first.digits.length === 4 && second.digits.length === 2 && third.digits.length === 2;
  const [year, one, other] = isoLike ? [first, second, third] : [third, first, second];
  if (year.digits.length !== 4 || one.digits.length > 2 || other.digits.length > 2) return undefined;
  if (!/^(?:1[89]|20|21)/u.test(year.digits)) return undefined;
  const [low, high] = [Number(one.digits), Number(other.digits)].toSorted((left, right) => left - right);
  return (low ?? 0) >= 1 && (low ?? 13) <= 12 && (high ?? 32) <= 31 ? at + 3 : undefined;
}
