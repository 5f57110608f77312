import type { Diagnostic } from "../types.ts";

/** Four lines for people: place and code, then what is wrong, why it matters, what to write. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { at, severity, code, what, why, write } = diagnostic;
  return [`${at.file}:${String(at.line)}  ${severity}  ${code}`, `  what   ${what}`, `  why    ${why}`, `  write  ${write}`].join("\n");
}
