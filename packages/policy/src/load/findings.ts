import type { Diagnostic, Span } from "../types.ts";
import type { Report } from "../files/source.ts";

/** Every code of a finding, and how much it weighs; docs/spec/policy-files.md says what each means. */
export const DIAGNOSTIC_CODES = {
  "always-true-condition": ["warning"],
  "attribute-type": ["error"],
  "auditor-reads-only": ["error", "warning"],
  "condition-syntax": ["error"],
  "condition-type": ["error"],
  "credential-conflict": ["error"],
  "credential-oauth": ["error"],
  "credential-rotation": ["error"],
  "credential-source": ["error"],
  "duplicate-file": ["error"],
  "duplicate-id": ["error"],
  "duplicate-type": ["error"],
  egress: ["error"],
  "god-mode": ["error"],
  "idle-eligible": ["warning"],
  "impossible-condition": ["error"],
  "impossible-part": ["warning"],
  "invalid-path": ["error"],
  "invalid-scope": ["error"],
  "invalid-value": ["error"],
  "late-escalation": ["error"],
  "missing-key": ["error"],
  "no-main-file": ["error"],
  "no-reason": ["error"],
  partner: ["error"],
  query: ["error"],
  request: ["error"],
  "reserved-type": ["error"],
  "resource-in-when": ["error"],
  "role-cycle": ["error"],
  "rows-never-evaluated": ["error"],
  "shadowed-approval": ["warning"],
  "shadowed-grant": ["warning"],
  "smtp-action": ["error"],
  statement: ["error"],
  table: ["error"],
  "too-few-approvers": ["error", "warning"],
  undo: ["error"],
  "unknown-action": ["error"],
  "unknown-agent": ["error"],
  "unknown-environment": ["error"],
  "unknown-field": ["error"],
  "unknown-file": ["error"],
  "unknown-gate": ["error"],
  "unknown-key": ["error"],
  "unknown-label": ["error", "warning"],
  "unknown-person": ["error"],
  "unknown-person-role": ["error"],
  "unknown-role": ["error"],
  "unknown-scope": ["error"],
  "unknown-tenant": ["error"],
  "unknown-type": ["error"],
  "unreachable-rule": ["error", "warning"],
  "limit-never-reached": ["warning"],
  "unused-role": ["warning"],
  "wide-ceiling": ["warning"],
  "wide-grant": ["warning"],
  yaml: ["error"],
} as const satisfies Readonly<Record<string, readonly Diagnostic["severity"][]>>;

export type DiagnosticCode = keyof typeof DIAGNOSTIC_CODES;

/** What is wrong, why it matters, what to write instead. */
export interface Finding {
  readonly code: DiagnosticCode;
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
    .toSorted(
      (a, b) =>
        rank(a) - rank(b) ||
        compareText(a.at.file, b.at.file) ||
        a.at.line - b.at.line ||
        compareText(a.code, b.code) ||
        compareText(a.what, b.what),
    );
}

/** Code-unit order: the same everywhere, whatever the locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
