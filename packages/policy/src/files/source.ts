import { LineCounter, isMap, isScalar, isSeq, parseDocument, visit } from "yaml";
import type { Document } from "yaml";
import type { Diagnostic, PolicyFile, Span } from "../types.ts";

/** Takes a finding; loading goes on so that one run shows all of them. */
export type Report = (diagnostic: Diagnostic) => void;

/** One YAML file with positions. `value` is unchecked. */
export interface Source {
  readonly path: string;
  readonly value: unknown;
  /** Place of the key (default) or the value at this path; the nearest parent that exists when the path does not. */
  at(path: readonly PropertyKey[], on?: "key" | "value"): Span;
}

/** Policy files are written by people; one that needs more than this is a mistake or an attack. */
export const MAX_FILE_CHARACTERS = 1_048_576;

/** Returns undefined, after reporting, when the text is not one well-formed YAML document. */
export function readSource(file: PolicyFile, report: Report): Source | undefined {
  if (file.text.length > MAX_FILE_CHARACTERS) {
    report(yamlError(file.path, 1, "the file is larger than 1 MiB"));
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, version: "1.2", schema: "core" });
  for (const error of document.errors) report(yamlError(file.path, lines.linePos(error.pos[0]).line, error.message));
  for (const warning of document.warnings) report(yamlError(file.path, lines.linePos(warning.pos[0]).line, warning.message));
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  const alias = firstAlias(document);
  if (alias !== undefined) {
    report(yamlError(file.path, lines.linePos(alias).line, "YAML anchors and aliases are not used in policy files"));
    return undefined;
  }
  const value: unknown = document.toJS();
  return { path: file.path, value, at: (path, on = "key") => ({ file: file.path, line: lineOf(document, lines, path, on) }) };
}

function yamlError(file: string, line: number, what: string): Diagnostic {
  return {
    code: "yaml",
    severity: "error",
    at: { file, line: Math.max(1, line) },
    what: lowerFirst(what),
    why: "a file that is not read completely could lose a rule",
    write: "one plain YAML 1.2 document: unique keys, no anchors, no tags",
  };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function firstAlias(document: Document): number | undefined {
  let found: number | undefined;
  visit(document, {
    Alias(_, node) {
      found = node.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return found;
}

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[], on: "key" | "value"): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    const child = childOf(node, step);
    if (child === undefined) break;
    const last = depth === path.length - 1;
    offset = startOf(last && on === "value" ? child.value : (child.key ?? child.value)) ?? offset;
    node = child.value;
    // The text of a block scalar starts on the line after its `|`.
    if (last && on === "value" && isScalar(node) && node.type?.startsWith("BLOCK_") === true) return lines.linePos(offset).line + 1;
  }
  return Math.max(1, lines.linePos(offset).line);
}

function childOf(node: unknown, step: PropertyKey): { readonly key?: unknown; readonly value: unknown } | undefined {
  if (isSeq(node) && typeof step === "number") {
    const value: unknown = node.items[step];
    return value === undefined ? undefined : { value };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
  return pair === undefined ? undefined : { key: pair.key, value: pair.value };
}

function startOf(node: unknown): number | undefined {
  if (isScalar(node) || isMap(node) || isSeq(node)) return node.range?.[0];
  return undefined;
}
