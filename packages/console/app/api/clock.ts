/** A header says whole seconds, rounded down, and is a little old when it is read; what differs by more is a clock that was set. */
const ROUNDING_MS = 2_000;

let aheadMs = 0;
let heard = false;
const listeners = new Set<() => void>();

/** Is told when the broker's time turns out to be another than was thought. Returns the function that ends it. */
export function onClockSet(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The broker's time (ms), as far as its answers tell, and never ahead of it: this machine's clock may be wrong, and what runs out does so by the broker's. */
export function brokerNow(): number {
  return Date.now() + aheadMs;
}

/** Takes in when the broker answered: the `date` header of an answer that has just come (RFC 9110 section 6.6.1). */
export function heardTime(date: string | null): void {
  const at = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(at)) return;
  const ahead = at - Date.now();
  // Each header is behind by its rounding and its way: the one that is behind the least says most.
  const set = Math.abs(ahead - aheadMs) > ROUNDING_MS;
  aheadMs = heard && !set ? Math.max(aheadMs, ahead) : ahead;
  heard = true;
  if (set) for (const listener of listeners) listener();
}
