import type { HeldCall } from "./approvers.ts";
import type { Observed, ObservedRule } from "./observed.ts";
import type { Step } from "./scenario.ts";

/** Width of the column that says what came of a call; words differ as well as shapes, so that neither colour nor font matters. */
const WORD_WIDTH = 11;
const LABEL_WIDTH = 9;
/** Where a line of text breaks, so that the whole fits a terminal of 100 columns. */
const TEXT_WIDTH = 74;
/** A text that is longer than this many lines is cut. */
const MAX_TEXT_LINES = 3;
const MAX_CALL_CHARACTERS = 88;

/** What is known of a held call, and the command that lets it go ahead. */
export interface Held extends HeldCall {
  readonly command: string;
}

/** One call as a newcomer reads it: what came of it, what was asked, and the few facts that explain it. */
export function renderCall(step: Step, seen: Observed, held?: Held): readonly string[] {
  const { shape, word } = verdict(seen);
  const indent = " ".repeat(4 + WORD_WIDTH);
  const facts = explain(step, seen, held).flatMap(([label, value]) =>
    wrap(value).map((line, index) => `${indent}${(index === 0 ? label : "").padEnd(LABEL_WIDTH)} ${line}`),
  );
  return [`  ${shape} ${word.padEnd(WORD_WIDTH)}${callText(step)}`, ...facts, ""];
}

/** Lines of at most TEXT_WIDTH, broken at spaces. A command is one word to the eye and is never broken. */
function wrap(value: string): readonly string[] {
  const lines: string[] = [];
  for (const word of onOneLine(value).split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || (last.length + 1 + word.length > TEXT_WIDTH && !last.startsWith("npx "))) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.length <= MAX_TEXT_LINES ? lines : [...lines.slice(0, MAX_TEXT_LINES - 1), `${lines[MAX_TEXT_LINES - 1] ?? ""} …`];
}

function verdict(seen: Observed): { readonly shape: string; readonly word: string } {
  switch (seen.kind) {
    case "result":
      if (seen.failed) return { shape: "○", word: "nothing" };
      return seen.hidden.length + seen.masked.length > 0 ? { shape: "◐", word: "masked" } : { shape: "✓", word: "allowed" };
    case "refused":
      return { shape: "✗", word: "refused" };
    case "pending":
      return { shape: "…", word: "waiting" };
    case "tool_error":
      return { shape: "!", word: "tool error" };
    case "unknown":
      return { shape: "?", word: "unknown" };
  }
}

/** The message without the rule's place, which stands in the next line. */
function withoutPlace(seen: Observed): string {
  const message = seen.message ?? "no grant allows it";
  return seen.rules.reduce((text, { at }) => text.replace(` (${at.file}:${at.line})`, ""), message);
}

type Line = readonly [label: string, text: string];

function explain(step: Step, seen: Observed, held: Held | undefined): readonly Line[] {
  switch (seen.kind) {
    case "result":
      return [...recordLines(seen.record), ...listLine("hidden", seen.hidden), ...listLine("masked", seen.masked)];
    case "refused":
      return [
        ["because", withoutPlace(seen)],
        ["code", seen.code ?? "unknown"],
        ...ruleLines(seen.rules),
        ...nextLines(seen),
        ...(seen.callId === undefined ? [] : ([["explain", `npx bailiwick explain ${seen.callId}`]] as const)),
      ];
    case "pending":
      return [
        ...Object.entries(held?.diff ?? {}).map(
          ([path, [before, after]]) => ["would set", `${path}: ${plainText(before)} -> ${plainText(after)}`] as const,
        ),
        ...ruleLines(held?.rules ?? seen.rules),
        ["it says", `"${step.reason}"`],
        ["approve", held?.command ?? `ticket ${seen.ticket ?? "unknown"}`],
      ];
    case "tool_error":
    case "unknown":
      return [["because", seen.message ?? "the tool gave no reason"]];
  }
}

/** The lines of a result that people recognise: a title or subject, and the customer as the agent sees them. */
function recordLines(record: Readonly<Record<string, unknown>>): readonly Line[] {
  const title = [record["title"], record["subject"]].find((value) => typeof value === "string");
  const customer = record["customer"];
  return [
    ...(typeof title === "string" ? ([["sees", title]] as const) : []),
    ...(typeof customer === "object" && customer !== null ? ([["customer", Object.values(customer).join(", ")]] as const) : []),
  ];
}

function listLine(label: string, items: readonly string[]): readonly Line[] {
  return items.length === 0 ? [] : [[label, items.join(", ")]];
}

function ruleLines(rules: readonly ObservedRule[]): readonly Line[] {
  return rules.map((rule) => ["rule", `${rule.at.file}:${rule.at.line}, ${rule.id}: ${rule.reason}`] as const);
}

function nextLines(seen: Observed): readonly Line[] {
  return seen.next.map((step) => ["next", nextText(step)] as const);
}

function nextText(step: Readonly<Record<string, unknown>>): string {
  const allowed = Array.isArray(step["allowed"]) ? step["allowed"].join(", ") : "";
  switch (step["kind"]) {
    case "narrow":
      return `write only ${allowed || `less of \`${String(step["field"])}\``}`;
    case "retry_after":
      return `again in ${String(step["ms"])} ms`;
    case "ask_owner":
      return `ask ${String(step["owner"])}: ${String(step["text"])}`;
    case "use_instead":
      return `use \`${String(step["action"])}\` instead`;
    case "request_elevation":
      return `ask for \`${String(step["scope"])}\` for a limited time`;
    default:
      return String(step["kind"]);
  }
}

/** `update_ticket T-1001 priority=4`: the record first, then what is set. */
export function callText(step: Step): string {
  const { id, ...rest } = step.args;
  const parts = Object.entries(rest).map(([name, value]) => `${name}=${plainText(value)}`);
  return cut([step.call, ...(typeof id === "string" ? [id] : []), ...parts].join(" "));
}

/** One line of the whole run, in columns. */
export function renderRow(step: Step, seen: Observed, wrong: readonly string[]): string {
  const removed = seen.rowsRemoved > 0 ? `, ${seen.rowsRemoved} rows removed` : "";
  const came = seen.kind === "refused" ? `refused: ${seen.code ?? ""}` : `${verdict(seen).word}${removed}`;
  const mark = wrong.length === 0 ? "ok   " : "WRONG";
  return `${mark} ${step.shows.padEnd(44)} ${came}${wrong.length === 0 ? "" : ` (${wrong.join("; ")})`}`;
}

function plainText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
}

function cut(text: string): string {
  const plain = onOneLine(text);
  return plain.length <= MAX_CALL_CHARACTERS ? plain : `${plain.slice(0, MAX_CALL_CHARACTERS - 1)}…`;
}

/** Without control and format characters: agents' and customers' texts must not move the cursor or hide a line. */
function onOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ");
}
