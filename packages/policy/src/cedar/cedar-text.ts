/** How large a text may be before any parser sees it. */
export interface TextLimits {
  readonly characters: number;
  /** Brackets within brackets. */
  readonly nesting: number;
  readonly ifs: number;
  /** Operators and attribute accesses. */
  readonly operators: number;
}

/** One condition of a policy file; what is larger belongs into several rules. */
export const CONDITION_LIMITS: TextLimits = { characters: 4_000, nesting: 40, ifs: 20, operators: 120 };
/** What the official parser surely survives: about 110 brackets within brackets or chains of 3,000 operators break its instance for good. */
export const PARSER_LIMITS: TextLimits = { characters: 65_536, nesting: 90, ifs: 60, operators: 500 };

/** One token that matters to structure; strings and comments are skipped. */
interface Mark {
  readonly text: string;
  readonly start: number;
}

const TOKEN = /\/\/[^\n\r]*|"(?:[^"\\]|\\[\s\S])*"?|[A-Za-z_]\w*|[()[\]{};@]|&&|\|\||[=!<>]=|[-+*.<>!]/g;

/** Brackets, operators, `;`, `@` and words outside of strings and comments, in order. */
export function* marksOf(text: string): Generator<Mark> {
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0];
    if (!token.startsWith('"') && !token.startsWith("//")) yield { text: token, start: match.index };
  }
}

const OPERATOR_WORDS: ReadonlySet<string> = new Set(["has", "in", "is", "like"]);

/** Says why the interpreter must not see this text, or undefined when it may. Runs before any parser. */
export function tooDeep(text: string, limits: TextLimits = CONDITION_LIMITS): string | undefined {
  if (text.length > limits.characters) return `it is longer than ${String(limits.characters)} characters`;
  if (!text.isWellFormed()) return "it is not well-formed Unicode";
  let depth = 0;
  let ifs = 0;
  let operators = 0;
  for (const mark of marksOf(text)) {
    if ("([{".includes(mark.text)) depth += 1;
    if (")]}".includes(mark.text)) depth -= 1;
    if (mark.text === "if") ifs += 1;
    if (/^[^\w()[\]{};@]/.test(mark.text) || mark.text === "[" || OPERATOR_WORDS.has(mark.text)) operators += 1;
    if (operators > limits.operators) return `it has more than ${String(limits.operators)} operators`;
    if (depth > limits.nesting) return `its brackets are nested more than ${String(limits.nesting)} deep`;
    if (ifs > limits.ifs) return `it has more than ${String(limits.ifs)} \`if\` expressions`;
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
