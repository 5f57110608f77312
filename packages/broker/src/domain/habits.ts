/** What became of questions to people. Drills are nobody's question and are not among them. */
export interface QuestionFigures {
  readonly asked: number;
  readonly approved: number;
  readonly denied: number;
  /** Nobody answered in time, or not enough people did. */
  readonly expired: number;
  /** From the question to its answer, in milliseconds. Absent while nothing was decided. */
  readonly medianMs?: number | undefined;
  readonly p90Ms?: number | undefined;
  /** Decided faster than `QUICK_MS`. */
  readonly quick: number;
  /** Questions of a shape that had come before. */
  readonly repeated: number;
}

/** A yes or no that comes faster was not read. */
export const QUICK_MS = 5_000;

/** Drills that a person answered. */
export interface DrillFigures {
  readonly denied: number;
  /** Said yes to: they did not look. */
  readonly approved: number;
}

/** Of one person: `asked` is what they answered, as nobody is asked alone. */
export interface ApproverFigures extends QuestionFigures {
  readonly person: string;
  readonly drills: DrillFigures;
}

export interface RuleFigures extends QuestionFigures {
  /** Id of the rule that asked. */
  readonly rule: string;
  /** People who said yes or no. */
  readonly approvers: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

export interface AgentFigures extends QuestionFigures {
  readonly agent: string;
}

/** How one person answers what one rule asks. */
export interface RuleApproverFigures {
  readonly rule: string;
  readonly person: string;
  readonly answered: number;
  readonly approved: number;
  readonly quick: number;
  readonly medianMs: number;
}

/** How people answer. */
export interface Habits {
  readonly rules: readonly RuleFigures[];
  readonly approvers: readonly ApproverFigures[];
  readonly pairs: readonly RuleApproverFigures[];
  readonly agents: readonly AgentFigures[];
  /** Drills that nobody answered in time. */
  readonly drillsMissed: number;
}

export interface HabitStore {
  /** Over questions asked since then, up to `now`. Rules, people and agents that were asked most come first. */
  figures(tenant: string, since: Date, now: Date): Promise<Habits>;
}
