import type { ActiveElevation, AgentConfig, Effect, Eligible, Operation, RuleRef, Verdict } from "../types.ts";

/** Which part of the table is wanted. Absent means all. */
export interface MatrixOptions {
  /** Identities, `bailiwick://...`. */
  readonly agents?: readonly string[] | undefined;
  /** Names of tools. */
  readonly tools?: readonly string[] | undefined;
  /** Rights for a time that are in force, by the identity that has them. */
  readonly elevations?: ReadonlyMap<string, readonly ActiveElevation[]> | undefined;
}

/** Who may do what: agents by actions, as far as the policy says it for every session. */
export interface Matrix {
  readonly policyVersion: string;
  readonly rows: readonly MatrixRow[];
}

/** One agent. Its cells are the actions of the catalog, in the catalog's order, the same for every row. */
export interface MatrixRow {
  readonly agent: AgentConfig;
  readonly cells: readonly MatrixCell[];
}

/**
 * What one agent may do with one action.
 * `deny`: no call is ever permitted. `ask`: every call that is permitted waits for a person. `allow`: some call runs without one.
 * `always`: it is so for every call, session scope, limits and malformed arguments aside. Where the policy's conditions cannot be
 * seen through, the cell says `allow` rather than `ask` rather than `deny`, and `sometimes` rather than `always`.
 * Rights for a time change nothing here: they stand beside it, in `elevations`.
 * INVARIANT: `reason` is present and `ways` is empty exactly when `verdict` is `deny`.
 */
export interface MatrixCell {
  readonly operation: Operation;
  /** `tickets.get_ticket`, as Cedar and tests name the action. */
  readonly action: string;
  readonly scope: string;
  readonly effect: Effect;
  readonly verdict: Verdict;
  readonly when: "always" | "sometimes";
  /** Why it is denied, in one phrase. */
  readonly reason?: string | undefined;
  /** Grants that can apply, any one of which suffices; the least demanding first. */
  readonly ways: readonly MatrixWay[];
  /** Every rule that determines the cell. */
  readonly rules: readonly RuleRef[];
  /** Roles that the agent may ask for, or has for a time, under which more would be possible. */
  readonly elevations: readonly MatrixElevation[];
}

/** What one cell would say with one role more. */
export interface MatrixElevation {
  /** The role, for how long at most, and who has to say yes. */
  readonly eligible: Eligible;
  /** Those to this role that are in force and cover the action. Empty: it has to be asked for. */
  readonly active: readonly ActiveElevation[];
  readonly verdict: "allow" | "ask";
  readonly when: "always" | "sometimes";
  /** Grants that could apply then and cannot now. Empty where the role lifts a deny or a demand alone. */
  readonly ways: readonly MatrixWay[];
}

/** One grant with everything that holds for a call under it, in words. Lists are of things that hold together; an empty one says nothing is demanded. */
export interface MatrixWay {
  readonly grant: RuleRef;
  readonly verdict: "allow" | "ask";
  /** What must be true of the call, as Cedar text in which everything known of the agent is filled in. */
  readonly conditions: readonly string[];
  /** What must be true of a record for it to be touched or shown. */
  readonly rows: readonly string[];
  /** Which fields are hidden, masked and settable. */
  readonly fields: readonly string[];
  readonly limits: readonly string[];
  readonly approval: readonly string[];
  readonly hours: readonly string[];
  /** What texts of arguments and results have to be like. */
  readonly content: readonly string[];
  /** The grant, and the denies, ceilings and gates that the words come from. */
  readonly rules: readonly RuleRef[];
}
