import { expect } from "vitest";
import { load } from "../../src/index.ts";
import type { Diagnostic } from "../../src/index.ts";
import { files, HELPDESK } from "./helpdesk.ts";

/** Findings of the folder with one place of one file changed. vectors/diagnostics.yaml has the cases that must be found. */
export function findings(file: string, from: string, to: string, more: Readonly<Record<string, string>> = {}): readonly Diagnostic[] {
  const text = HELPDESK[file] ?? "";
  expect(text).toContain(from);
  return loadAll({ [file]: text.replace(from, () => to), ...more });
}

export function loadAll(changes: Readonly<Record<string, string | undefined>>): readonly Diagnostic[] {
  const result = load(files(changes));
  return result.ok ? result.policy.warnings : result.diagnostics;
}

export function places(found: readonly Diagnostic[]): readonly string[] {
  return found.map(({ severity, code, at }) => `${severity} ${code} ${at.file}:${String(at.line)}`);
}

export const cedar = (text: string): Readonly<Record<string, string>> => ({
  "policies/extra.cedar": `@id("extra") @reason("r")\n${text}\n`,
});
const ROWS = "resource.tier == 1 && resource.region == principal.region";
export const rows = (text: string): readonly Diagnostic[] => findings("roles/support.yaml", ROWS, text);
/** Adds grants of support. */
export const allow = (text: string, more: Readonly<Record<string, string>> = {}): readonly Diagnostic[] =>
  findings("roles/support.yaml", "deny:\n", `${text}deny:\n`, more);
export const deny = (text: string): readonly Diagnostic[] =>
  findings(
    "roles/support.yaml",
    "deny:\n  - do: tickets:delete\n    id: never-delete\n    reason: support never deletes\n",
    `deny:\n${text}`,
  );
export const CEILING =
  'ceiling: { allow: ["tickets:*", "knowledge:*", "mail:send", "invoices:read"], effects: [read, write, send, delete] }';
