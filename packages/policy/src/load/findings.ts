import type { Diagnostic, Span } from "../types.ts";
import type { Report } from "../files/source.ts";

/** What is wrong, why it matters, what to write instead. */
export interface Finding {
  readonly code: string;
  readonly at: Span;
  readonly what: string;
  readonly why: string;
  readonly write: string;
}

export function reportError(report: Report, finding: Finding): void {
  report({ severity: "error", ...finding });
}

export function reportWarning(report: Report, finding: Finding): void {
  report({ severity: "warning", ...finding });
}

/** Errors first, then by file and line; duplicates (one mistake seen by two checks) once. */
export function orderDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  const rank = (diagnostic: Diagnostic): number => (diagnostic.severity === "error" ? 0 : 1);
  return diagnostics
    .filter((diagnostic) => {
      const key = `${diagnostic.code} ${diagnostic.at.file}:${String(diagnostic.at.line)} ${diagnostic.what}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    })
    .toSorted((a, b) => rank(a) - rank(b) || compareText(a.at.file, b.at.file) || a.at.line - b.at.line || compareText(a.code, b.code));
}

/** Code-unit order: the same everywhere, whatever the locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
