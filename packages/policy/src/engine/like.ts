import type { PatternElem } from "@cedar-policy/cedar-wasm/nodejs";

/**
 * Compiles a `like` pattern. Each piece of text between wildcards is looked for once, from left to right, so the cost is
 * bounded by text times pattern and no input makes it backtrack.
 */
export function matcher(pattern: readonly PatternElem[]): (text: string) => boolean {
  const pieces = piecesOf(pattern);
  const [first = "", ...later] = pieces;
  const last = later.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let from = first.length;
    for (const piece of later) {
      const at = text.indexOf(piece, from);
      if (at < 0 || at + piece.length > end) return false;
      from = at + piece.length;
    }
    return from <= end;
  };
}

/** Texts between wildcards; one more than there are wildcards. */
function piecesOf(pattern: readonly PatternElem[]): readonly string[] {
  const pieces = [""];
  for (const element of pattern) {
    if (element === "Wildcard") pieces.push("");
    else pieces[pieces.length - 1] = `${pieces.at(-1) ?? ""}${element.Literal}`;
  }
  return pieces;
}
