/** A sown hold that ended without an answer. */
export interface MissedDrill {
  /** Of its approval. */
  readonly id: string;
  readonly agent: string;
}

export interface DrillStore {
  /** Ends drills whose time is over without an answer: each is given to one asker. */
  endMissed(tenant: string, now: Date): Promise<readonly MissedDrill[]>;
}
