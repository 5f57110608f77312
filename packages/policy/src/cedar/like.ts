import type { Pattern } from "./expression.ts";

/**
 * Compiles a `like` pattern. Each piece of text between wildcards is looked for once, from left to right, so the cost is
 * bounded by text times pattern and no input makes it backtrack.
 */
export function matcher(pieces: Pattern): (text: string) => boolean {
  const [first = "", ...later] = pieces;
  const last = later.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let from = first.length;
    for (const piece of later) {
      const at = text.indexOf(piece, from);
      if (at < 0) return false;
      from = at + piece.length;
    }
    // Pieces that were found beyond `end` overlap the last one.
    return from <= end;
  };
}
