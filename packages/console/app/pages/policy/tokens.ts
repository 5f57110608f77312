/** A piece of a line with what it is, for its look. */
export interface Token {
  readonly text: string;
  readonly kind: "plain" | "comment" | "key" | "string" | "word" | "number";
}

/** The first that fits at a place decides. A `#` begins a comment only at the line's start or behind a space. */
const YAML: readonly (readonly [Token["kind"], RegExp])[] = [
  ["comment", /(?<=^|\s)#.*/uy],
  ["key", /(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[\w$.*/?-]+)(?=\s*:(?:\s|$))/uy],
  ["string", /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/uy],
  ["number", /(?<![\w$./:-])-?\d+(?:\.\d+)?(?:ms|[smhd])?(?![\w./:-])/uy],
  ["word", /(?<![\w$./:-])(?:true|false|null)(?![\w./:-])/uy],
  ["plain", /[\w$./:*?-]+|\s+|./uy],
];

const CEDAR: readonly (readonly [Token["kind"], RegExp])[] = [
  ["comment", /\/\/.*/uy],
  ["key", /@\w+/uy],
  ["string", /"(?:[^"\\]|\\.)*"/uy],
  ["word", /(?<!\w)(?:permit|forbid|when|unless|principal|action|resource|context|if|then|else|in|like|has|is|true|false)(?!\w)/uy],
  ["number", /(?<!\w)-?\d+(?!\w)/uy],
  ["plain", /\w+|\s+|./uy],
];

/** A line of a policy file in pieces. Each line stands for itself: a look, never a judgement. */
export function tokensOf(path: string, line: string): readonly Token[] {
  const rules = path.endsWith(".cedar") ? CEDAR : /\.ya?ml$/u.test(path) ? YAML : undefined;
  if (rules === undefined || line.length > MAX_COLOURED) return [{ text: line, kind: "plain" }];
  const tokens: { text: string; kind: Token["kind"] }[] = [];
  let at = 0;
  while (at < line.length) {
    const { kind, text } = tokenAt(rules, line, at);
    const last = tokens.at(-1);
    if (last?.kind === kind && kind === "plain") last.text += text;
    else tokens.push({ kind, text });
    at += text.length;
  }
  return tokens;
}

/** A longer line is not written by hand. */
const MAX_COLOURED = 2_000;

function tokenAt(rules: readonly (readonly [Token["kind"], RegExp])[], line: string, at: number): Token {
  for (const [kind, pattern] of rules) {
    pattern.lastIndex = at;
    const text = pattern.exec(line)?.[0];
    if (text !== undefined && text !== "") return { kind, text };
  }
  return { kind: "plain", text: line.slice(at, at + 1) };
}
