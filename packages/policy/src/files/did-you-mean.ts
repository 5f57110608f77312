/** Words further away than this are not what the writer meant. */
const MAX_DISTANCE = 3;

/** The candidate nearest to `word`, when one is near enough to be what was meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(MAX_DISTANCE, Math.floor(word.length / 2)) + 1;
  for (const candidate of [...candidates].toSorted()) {
    const distance = editDistance(word, candidate, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** "did you mean `x`?" or a list of what exists. */
export function suggestion(word: string, candidates: readonly string[], otherwise: string): string {
  const near = nearest(word, candidates);
  if (near !== undefined) return `\`${near}\``;
  if (candidates.length === 0) return otherwise;
  return `one of ${quoteList(candidates)}`;
}

/** Names beyond this many only make a message longer. */
const MAX_LISTED = 12;

export function quoteList(words: readonly string[]): string {
  const shown = words.slice(0, MAX_LISTED).map((word) => `\`${word}\``);
  return shown.join(", ") + (words.length > MAX_LISTED ? ", ..." : "");
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? limit;
}
