import { findEmails } from "./email.ts";
import type { Finding, FindingKind } from "./finding.ts";
import { findIbans } from "./iban.ts";
import { findIpv6 } from "./ipv6.ts";
import { findNumbers } from "./numbers/index.ts";
import { type Plain, plainOf } from "./plain.ts";
import { findSecrets } from "./secrets/index.ts";
import { settled } from "./settle.ts";
import { findUrls } from "./url.ts";

/**
 * Finds personal data and secrets of the given kinds in a text: in order, never overlapping. Where two claim the same place, a secret wins,
 * then the surer, then the longer; a URL ends where another finding in it begins (ask for `url` alone to have links whole).
 * The work grows linearly with the text, whatever the text is.
 */
export function scan(text: string, kinds: readonly FindingKind[]): readonly Finding[] {
  return scanMeasured(text, kinds).findings;
}

/** The same, with how many characters finders looked at: that it is linear is tested by counting, not by a clock. */
export function scanMeasured(
  text: string,
  kinds: readonly FindingKind[],
): { readonly findings: readonly Finding[]; readonly work: number } {
  const plain = plainOf(text);
  const wanted = new Set(kinds);
  const candidates = FINDERS.filter((finder) => finder.kinds.some((kind) => wanted.has(kind))).flatMap((finder) =>
    finder.find(plain, wanted),
  );
  const findings = settled(candidates).map((found) => ({ ...found, start: plain.startOf(found.start), end: plain.endOf(found.end - 1) }));
  return { findings, work: plain.work };
}

/** Each goes over the text once, from anchor to anchor, and looks at a bounded piece around each. */
const FINDERS: readonly {
  readonly kinds: readonly FindingKind[];
  readonly find: (plain: Plain, wanted: ReadonlySet<FindingKind>) => readonly Finding[];
}[] = [
  { kinds: ["email"], find: findEmails },
  { kinds: ["card", "ssn", "phone", "ip"], find: findNumbers },
  { kinds: ["ip"], find: findIpv6 },
  { kinds: ["iban"], find: findIbans },
  { kinds: ["url"], find: findUrls },
  { kinds: ["secret"], find: findSecrets },
];
