/** How many calls came out how. A call that was held and then ran counts once in `calls`. */
export interface CallCounts {
  /** Calls that began: by their first record. */
  readonly calls: number;
  /** Intents: what was let through to its tool. */
  readonly ran: number;
  readonly refused: number;
  readonly held: number;
  /** Outcomes that nobody knows, by when that was recorded. */
  readonly unknown: number;
}

/** What agents did with one action. */
export interface ActionCounts extends CallCounts {
  readonly agent: string;
  /** A scope of the catalog such as `tickets:update`; undefined where none was found. */
  readonly action: string | undefined;
  /** Of those that ran, after a person's yes. */
  readonly approved: number;
}

/** What came of the decisions that one combination of rules determined. */
export interface RuleCounts extends CallCounts {
  readonly rules: readonly string[];
}

/** The log of one day (UTC) in figures. It names no person and holds no value of a call. */
export interface DayFigures {
  /** `2026-11-26`. */
  readonly day: string;
  /** Of each hour that has records: 0 to 23. */
  readonly hours: ReadonlyMap<number, CallCounts>;
  readonly actions: readonly ActionCounts[];
  readonly rules: readonly RuleCounts[];
  /** How often a call was refused, or ended, with a code. */
  readonly codes: ReadonlyMap<string, number>;
}

/** When something was recorded, and how long after what it belongs to. */
export interface Delay {
  readonly at: Date;
  readonly ms: number;
}

/** The log of the last days in figures. */
export interface LogFigures {
  /** Oldest first; days without a record are left out. */
  readonly days: readonly DayFigures[];
  /** People's answers after the hold they answer, oldest first; the newest ten thousand. */
  readonly answers: readonly Delay[];
  /** Records that an outcome is unknown after the intent they belong to, oldest first; the newest ten thousand. */
  readonly unknowns: readonly Delay[];
  /** How many records were counted. */
  readonly records: number;
  /** False while older records of these days are still being counted: ask again. */
  readonly complete: boolean;
  /** When the oldest record that is kept was written; undefined for an empty log. */
  readonly begins: Date | undefined;
}

/** Days that are counted, today included. */
export const FIGURE_DAYS = 31;
