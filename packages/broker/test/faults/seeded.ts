/** The seed of every fault point; another one tries other places. A failure names the point, and `-t <its name>` runs it again. */
const SEED = Number(process.env["BAILIWICK_FAULT_SEED"] ?? "1");

/** Whole numbers from `low` to `high`, the same for the same name and seed (mulberry32). */
export function seeded(name: string): (low: number, high: number) => number {
  let state = SEED;
  for (const character of name) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01_00_01_93);
  return (low, high) => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return low + (((mixed ^ (mixed >>> 14)) >>> 0) % (high - low + 1));
  };
}
