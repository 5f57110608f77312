import type { Finding, FindingKind } from "./finding.ts";

/** The text with every finding replaced by what `how` gives for it. The findings must be those of `scan` for this text: in order, apart. */
export function maskFindings(text: string, findings: readonly Finding[], how: (kind: FindingKind, value: string) => string): string {
  if (findings.length === 0) return text;
  const parts: string[] = [];
  let at = 0;
  for (const { kind, start, end } of findings) {
    parts.push(text.slice(at, start), how(kind, text.slice(start, end)));
    at = end;
  }
  return parts.join("") + text.slice(at);
}
