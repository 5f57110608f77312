import { canonicalize } from "../canonicalize.ts";
import { commit } from "../digest.ts";
import { faultAt } from "../export/progress.ts";
import type { ExportFault } from "../export/types.ts";
import { isCount } from "../tree/shape.ts";
import { FACTS_FILE } from "./paths.ts";
import type { LogFolder } from "./types.ts";

/** What a record commits to without showing it, and the salts with which that can be checked. */
export interface DisclosedFacts {
  readonly index: number;
  readonly facts: Readonly<Record<string, unknown>>;
  /** 32 bytes each, as 64 hex digits. */
  readonly salts: Readonly<Record<string, string>>;
}

/** Compares disclosed facts with the records' commitments, in the order of the log. */
export interface FactsCheck {
  take(index: number, record: string): void;
  /** What is wrong, or how many records' facts fit. */
  finish(size: number): ExportFault | { readonly disclosed: number };
}

/** A line of `facts.jsonl`, with its line feed. @throws TypeError */
export function formatFactsLine({ index, facts, salts }: DisclosedFacts): string {
  return `${canonicalize({ index, facts, salts })}\n`;
}

/** Reads `facts.jsonl` beside the records, a line at a time. Without the file nothing is disclosed. */
export function factsCheck(folder: LogFolder): FactsCheck {
  const lines = (folder.lines(FACTS_FILE) ?? [])[Symbol.iterator]();
  let disclosed = 0;
  let fault: ExportFault | undefined;
  let next = advance(-1);

  function advance(before: number): DisclosedFacts | undefined {
    const { done, value: line } = lines.next();
    if (done === true) return undefined;
    const read = parseLine(line);
    if (read !== undefined && read.index > before) return read;
    fault ??= faultAt(before + 1, "facts", `a line of \`${FACTS_FILE}\` cannot be read, or is not in the order of the log`);
    return undefined;
  }
  return {
    take(index, record) {
      if (fault !== undefined || next?.index !== index) return;
      const member = firstWrong(next, record);
      if (member === undefined) disclosed += 1;
      else fault = faultAt(index, "facts", `\`${member}\` of record ${index} is not what the record commits to`);
      next = advance(index);
    },
    finish(size) {
      if (fault === undefined && next !== undefined)
        return faultAt(Math.min(next.index, size), "facts", `facts are shown of record ${next.index}, which the folder does not have`);
      return fault ?? { disclosed };
    },
  };
}

/** The first member that the record does not commit to. */
function firstWrong({ facts, salts }: DisclosedFacts, record: string): string | undefined {
  const commitments = commitmentsOf(record);
  const members = new Set([...Object.keys(facts), ...Object.keys(salts)]);
  return [...members].find((member) => {
    const salt = salts[member] ?? "";
    if (!SALT.test(salt) || !Object.hasOwn(facts, member)) return true;
    return commitments.get(member) !== commit(facts[member], Buffer.from(salt, "hex"));
  });
}

function commitmentsOf(record: string): ReadonlyMap<string, unknown> {
  const value = parsed(record);
  if (!isObject(value) || !isObject(value["facts"])) return new Map();
  return new Map(Object.entries(value["facts"]));
}

function parseLine(line: string): DisclosedFacts | undefined {
  const value = parsed(line);
  if (!isObject(value)) return undefined;
  const { index, facts, salts } = value;
  if (typeof index !== "number" || !isCount(index) || !isObject(facts) || !isObject(salts)) return undefined;
  const texts: Record<string, string> = {};
  for (const [member, salt] of Object.entries(salts)) {
    if (typeof salt !== "string") return undefined;
    texts[member] = salt;
  }
  return isCanonical({ index, facts, salts: texts }, line) ? { index, facts, salts: texts } : undefined;
}

function isCanonical(facts: DisclosedFacts, line: string): boolean {
  try {
    return formatFactsLine(facts) === line;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** 32 bytes: shorter salts make small values (an e-mail address) guessable. */
const SALT = /^[0-9a-f]{64}$/;
