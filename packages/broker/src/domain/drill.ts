/** A sown hold that ended without an answer. */
export interface MissedDrill {
  /** Of its approval. */
  readonly id: string;
  readonly agent: string;
}

export interface DrillStore {
  /** Ends drills whose time is over. Those that nobody answered are given to one asker each. */
  endMissed(tenant: string, now: Date): Promise<readonly MissedDrill[]>;
}
