/** Counts what each agent holds of something, so that one agent cannot take it from the others. */
export interface Shares {
  /** False when the agent holds its full share, or all shares together are taken. */
  take(agent: string): boolean;
  give(agent: string): void;
}

export function createShares(maxTogether: number, maxEach: number): Shares {
  const held = new Map<string, number>();
  let together = 0;
  return {
    take(agent) {
      const own = held.get(agent) ?? 0;
      if (own >= maxEach || together >= maxTogether) return false;
      held.set(agent, own + 1);
      together += 1;
      return true;
    },
    give(agent) {
      const own = held.get(agent) ?? 0;
      if (own === 0) return;
      together -= 1;
      if (own === 1) held.delete(agent);
      else held.set(agent, own - 1);
    },
  };
}
