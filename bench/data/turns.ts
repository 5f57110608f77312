import { median, seededRandom, shuffled } from "../statistics.ts";

/** One way to do the same work. */
export interface Way {
  readonly name: string;
  /** Does all of the work once, and answers a number that is the same for every way. */
  run(): number | Promise<number>;
}

export interface Timed {
  readonly name: string;
  /** Median of the rounds. */
  readonly ms: number;
}

const SEED = 20_261_128;

/**
 * Each way in turns, in another order each round, so that a busy moment of the machine meets all alike. The first round warms up.
 * @throws Error when the ways do not answer the same: then they did not do the same work.
 */
export async function inTurns(ways: readonly Way[], rounds: number): Promise<readonly Timed[]> {
  const random = seededRandom(SEED);
  const times = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  const answers = new Set<number>();
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, run } of shuffled(ways, random)) {
      const started = performance.now();
      answers.add(await run());
      if (round > 0) times.get(name)?.push(performance.now() - started);
    }
  }
  if (answers.size !== 1) throw new Error(`the ways answer ${[...answers].join(", ")}, so their speed says nothing`);
  return ways.map(({ name }) => ({ name, ms: median(times.get(name) ?? []) }));
}
