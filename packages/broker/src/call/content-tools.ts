import { type ContentKind, type ContentMeasure, maskValue, REDACTED } from "@bailiwick/policy";
import { maskFindings, scan } from "../risk/content/index.ts";
import { decodedViews } from "./encoded.ts";
import type { Span } from "./secret-matcher.ts";
import { mayHoldSecret } from "./secret-signs.ts";
import type { TokenOf } from "./tokens.ts";

/** What masking takes: the deployment's secret for `hash`, and names for values. */
export interface ContentMasking {
  readonly maskSalt: string;
  readonly token: TokenOf;
}

/** How often a kind was found. Never what was found. */
export type FoundKinds = Map<ContentKind, number>;

export function countFound(found: FoundKinds, kind: ContentKind): void {
  found.set(kind, (found.get(kind) ?? 0) + 1);
}

/** What replaces a whole text that may not be shown. */
const WITHHELD = "[withheld]";

/** Encodings within encodings that are looked through: whoever wraps a value further has to be understood by somebody who unwraps it. */
const MAX_DEPTH = 3;

/** Kinds that stand in the text, as it is or encoded. */
export function kindsIn(text: string, kinds: readonly ContentKind[], member?: string): readonly ContentKind[] {
  if (kinds.length === 0 || (!isSecretMember(member) && holdsNone(text, kinds))) return [];
  return [...new Set([...findingsIn(text, kinds, member), ...encodedIn(text, kinds)].map(({ kind }) => kind))];
}

/** What is looked for most, in every result of every call, has signs that are looked for first. */
export function holdsNone(text: string, kinds: readonly ContentKind[]): boolean {
  return kinds.length === 1 && kinds[0] === "secret" && !mayHoldSecret(text);
}

interface Found extends Span {
  readonly kind: ContentKind;
}

/** What stands in the text behind encodings, with the place of what has to go with it. */
function encodedIn(text: string, kinds: readonly ContentKind[], depth = 1): readonly Found[] {
  return decodedViews(text).flatMap((view) => {
    const inner = depth === MAX_DEPTH ? [] : encodedIn(view.text, kinds, depth + 1);
    return [...scan(view.text, kinds), ...inner].map((found) => ({ kind: found.kind, ...view.place(found) }));
  });
}

/** What is done with which kinds. */
export interface MaskingRule {
  readonly kinds: readonly ContentKind[];
  readonly measure: ContentMeasure;
}

/**
 * The text with what was found in it masked. An encoded run is replaced whole: a mask inside would not decode. `member` is the name under which
 * the text stands, which may be what tells that it is a secret.
 */
export function maskedText(
  text: string,
  rule: MaskingRule & { readonly member?: string | undefined },
  masking: ContentMasking,
  found: FoundKinds,
): string {
  const { kinds, measure, member } = rule;
  if (!isSecretMember(member) && holdsNone(text, kinds)) return text;
  const plain = findingsIn(text, kinds, member);
  const hidden = hiddenRuns(text, kinds, plain, found);
  for (const { kind } of plain) countFound(found, kind);
  if (plain.length + hidden.length === 0) return text;
  if (measure === "withhold") return WITHHELD;
  const mask = (from: string, findings: ReturnType<typeof scan>): string =>
    maskFindings(from, findings, (kind, value) => maskedValue(value, kind, measure, masking));
  if (hidden.length === 0) return mask(text, plain);
  const without = hidden.reduceRight((rest, { start, end }) => rest.slice(0, start) + REDACTED + rest.slice(end), text);
  return mask(without, findingsIn(without, kinds, member));
}

/** Names of members whose values are secrets. `token` alone is as often the place where a list goes on. */
const SECRET_MEMBER =
  /(?:password|passwd|passphrase|pwd|secret|secretkey|apikey|accesskey|privatekey|authtoken|accesstoken|refreshtoken|sessiontoken|bearertoken|credential|credentials)$/u;
/** How free text would say it. */
const SAID = "password: ";

/** Whether what stands under this name is a secret by that alone. */
export function isSecretMember(name: string | undefined): name is string {
  return name !== undefined && mayHoldSecret(name) && SECRET_MEMBER.test(name.toLowerCase().replaceAll(/[^a-z]/gu, ""));
}

/** What stands in a text that is the value of a member. */
function findingsIn(text: string, kinds: readonly ContentKind[], member: string | undefined): ReturnType<typeof scan> {
  if (!kinds.includes("secret") || !isSecretMember(member)) return scan(text, kinds);
  return scan(SAID + text, kinds).flatMap((finding) =>
    finding.start < SAID.length ? [] : [{ ...finding, start: finding.start - SAID.length, end: finding.end - SAID.length }],
  );
}

/** Places where one of the kinds stands encoded: in order, apart. What stands there as it is, is not counted again. */
function hiddenRuns(text: string, kinds: readonly ContentKind[], plain: readonly Span[], found: FoundKinds): readonly Span[] {
  const runs: Span[] = [];
  let counted = new Set<ContentKind>();
  for (const { kind, start, end } of encodedIn(text, kinds).toSorted((a, b) => a.start - b.start)) {
    if (plain.some((each) => each.start <= start && each.end >= end)) continue;
    const last = runs.at(-1);
    if (last === undefined || start >= last.end) {
      counted = new Set();
      runs.push({ start, end });
    } else runs[runs.length - 1] = { start: last.start, end: Math.max(last.end, end) };
    if (!counted.has(kind)) countFound(found, kind);
    counted.add(kind);
  }
  return runs;
}

function maskedValue(
  value: string,
  kind: ContentKind,
  measure: Exclude<ContentMeasure, "withhold">,
  { maskSalt, token }: ContentMasking,
): string {
  const masked = maskValue(value, measure, kind, { salt: maskSalt, token });
  return typeof masked === "string" ? masked : REDACTED;
}
