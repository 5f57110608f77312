/** Longest text of one condition; what is longer belongs into several rules. */
export const MAX_CONDITION_CHARACTERS = 4_000;
/** Nested brackets; about 140 break the interpreter for good. */
export const MAX_NESTING = 40;
/** `if` expressions in one condition; long chains break the interpreter as brackets do. */
export const MAX_IFS = 20;
/** Operators and attribute accesses in one condition; chains of about 500 break the interpreter when it evaluates them. */
export const MAX_OPERATORS = 120;

/** One token that matters to structure; strings and comments are skipped. */
interface Mark {
  readonly text: string;
  readonly start: number;
}

const TOKEN = /\/\/[^\n]*|"(?:[^"\\]|\\[\s\S])*"?|[A-Za-z_]\w*|[()[\]{};@]|&&|\|\||[=!<>]=|[-+*.<>!]/g;

/** Brackets, operators, `;`, `@` and words outside of strings and comments, in order. */
export function* marksOf(text: string): Generator<Mark> {
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0];
    if (!token.startsWith('"') && !token.startsWith("//")) yield { text: token, start: match.index };
  }
}

const OPERATOR_WORDS: ReadonlySet<string> = new Set(["has", "in", "is", "like"]);

/** Says why the interpreter must not see this text, or undefined when it may. Runs before any parser. */
export function tooDeep(text: string): string | undefined {
  if (text.length > MAX_CONDITION_CHARACTERS) return `it is longer than ${String(MAX_CONDITION_CHARACTERS)} characters`;
  if (!text.isWellFormed()) return "it is not well-formed Unicode";
  let depth = 0;
  let ifs = 0;
  let operators = 0;
  for (const mark of marksOf(text)) {
    if ("([{".includes(mark.text)) depth += 1;
    if (")]}".includes(mark.text)) depth -= 1;
    if (mark.text === "if") ifs += 1;
    if (/^[^\w()[\]{};@]/.test(mark.text) || mark.text === "[" || OPERATOR_WORDS.has(mark.text)) operators += 1;
    if (operators > MAX_OPERATORS) return `it has more than ${String(MAX_OPERATORS)} operators`;
    if (depth > MAX_NESTING) return `its brackets are nested more than ${String(MAX_NESTING)} deep`;
    if (ifs > MAX_IFS) return `it has more than ${String(MAX_IFS)} \`if\` expressions`;
  }
  return undefined;
}

/** One policy of a .cedar file. */
export interface CedarPiece {
  readonly text: string;
  readonly start: number;
  /** Offset in `text` of the word `permit` or `forbid`; undefined when there is none. */
  readonly effectAt: number | undefined;
}

/** Cuts a .cedar file at the `;` that ends each policy. Text after the last `;` that is not blank or comment becomes a piece, too. */
export function cutPolicies(text: string): readonly CedarPiece[] {
  const pieces: CedarPiece[] = [];
  let from = 0;
  let depth = 0;
  let effectAt: number | undefined;
  let first: number | undefined;
  for (const mark of marksOf(text)) {
    first ??= mark.start;
    if ("([{".includes(mark.text)) depth += 1;
    if (")]}".includes(mark.text)) depth -= 1;
    if (depth === 0 && (mark.text === "permit" || mark.text === "forbid") && text[mark.start - 1] !== "@") effectAt ??= mark.start;
    if (mark.text !== ";") continue;
    from = first;
    pieces.push({ text: text.slice(from, mark.start + 1), start: from, effectAt: effectAt === undefined ? undefined : effectAt - from });
    [first, effectAt, depth] = [undefined, undefined, 0];
  }
  if (first !== undefined)
    pieces.push({ text: text.slice(first), start: first, effectAt: effectAt === undefined ? undefined : effectAt - first });
  return pieces;
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let index = text.indexOf("\n"); index !== -1 && index < offset; index = text.indexOf("\n", index + 1)) line += 1;
  return line;
}
