import type { ApprovalTerms, Eligible, JsonObject, Policy } from "@bailiwick/policy";
import type { ApprovalAnswer } from "./approval.ts";
import { covers } from "./delegation.ts";

/** pending -> active | denied | expired | cancelled; active -> expired | revoked. */
export type ElevationState = "pending" | "active" | "denied" | "expired" | "revoked" | "cancelled";

/** A right that an agent is given for a time: asked for with a reason, answered by people, ends by itself. */
export interface Elevation {
  /** `elv_` and 22 characters. */
  readonly id: string;
  readonly tenant: string;
  /** Name of the agent whose right it is. */
  readonly agent: string;
  readonly environment: string;
  /** One of the agent's `eligible` roles. */
  readonly role: string;
  /** Scopes asked for. Empty: all of the role. */
  readonly scope: readonly string[];
  /** Sessions for another task do not have it, nor, where the agent asked, those for another user. Absent: every session of the agent. */
  readonly task?: string | undefined;
  readonly forMs: number;
  readonly reason: string;
  /** Who asked: the agent itself, for this user, or a person. */
  readonly askedBy: { readonly agent: string; readonly user: string; readonly session: string } | { readonly person: string };
  /** Agents and partners behind the session that asked: whoever owns one of them does not answer. */
  readonly actors?: readonly string[] | undefined;
  readonly approvers: readonly string[];
  readonly terms: ApprovalTerms;
  readonly policyVersion: string;
  readonly state: ElevationState;
  readonly createdAt: Date;
  /** Until when it can be answered. */
  readonly askEndsAt: Date;
  readonly answers: readonly ApprovalAnswer[];
  /** What was given, which may be less than asked. Present once it was active. */
  readonly given?: GivenElevation | undefined;
  readonly revoked?: { readonly by: string; readonly at: Date; readonly reason: string } | undefined;
}

/** A right as people gave it. */
export interface GivenElevation {
  /** Empty: all of the role. */
  readonly scope: readonly string[];
  readonly from: Date;
  readonly until: Date;
}

/** What people say yes to: as asked, or less. */
export interface ElevationBounds {
  readonly scope: readonly string[];
  readonly forMs: number;
}

/** Which elevations, newest first. */
export interface ElevationQuery {
  readonly state?: ElevationState | undefined;
  readonly agent?: string | undefined;
  /** The last page's `next`. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface ElevationPage {
  readonly elevations: readonly Elevation[];
  readonly next?: string | undefined;
}

export type ElevationAsked =
  /** `repeated`: the same was asked before and still waits, or is in force. */
  | { readonly ok: true; readonly elevation: Elevation; readonly repeated: boolean }
  /** So many questions about this agent wait already. */
  | { readonly ok: false; readonly why: "too_many"; readonly waiting: number };

export type ElevationAnswered =
  | { readonly ok: true; readonly elevation: Elevation }
  /** `changed`: others answered since `seen`; look again. */
  | { readonly ok: false; readonly why: "ended" | "changed"; readonly state: ElevationState };

export interface ElevationStore {
  /** Keeps a question, unless the same one waits already or what it asks for is in force. */
  ask(elevation: Elevation): Promise<ElevationAsked>;
  find(tenant: string, id: string): Promise<Elevation | undefined>;
  list(tenant: string, query: ElevationQuery): Promise<ElevationPage>;
  /** In force at `at`, of one agent or of all. */
  active(tenant: string, agent: string | undefined, at: Date): Promise<readonly Elevation[]>;
  /**
   * Adds an answer to a question that waits and sets what state it is in then; `given` says what became active. `seen` is how many answers there
   * were when it was made: with others meanwhile it is refused.
   */
  answer(
    tenant: string,
    id: string,
    made: {
      readonly answer: ApprovalAnswer;
      readonly seen: number;
      readonly state: "pending" | "active" | "denied";
      readonly given?: GivenElevation | undefined;
    },
  ): Promise<ElevationAnswered>;
  /** active -> revoked, for every broker's next call. Undefined when it was not in force. */
  revoke(tenant: string, id: string, revoked: NonNullable<Elevation["revoked"]>): Promise<Elevation | undefined>;
  /**
   * Hands over those that ended by time within `sinceMs`, one broker at a time, until `said` has resolved for each. An elevation comes again
   * the next time, so `said` must know what it has said.
   */
  ended(tenant: string, sinceMs: number, said: (elevation: Elevation) => Promise<void>): Promise<void>;
  /** Resolves when the question no longer waits, or undefined at the deadline or on abort. Hears answers given on other brokers too. */
  wait(tenant: string, id: string, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<Elevation | undefined>;
}

/** What a yes covers when it names nothing: all that was asked. */
export function boundsAsked({ scope, forMs }: Pick<Elevation, "scope" | "forMs">): ElevationBounds {
  return { scope, forMs };
}

/**
 * Why these bounds are more than was asked, or undefined when they are the same or less. An empty scope is all of the role, so it is within
 * nothing but itself. Pure.
 */
export function widerThan(asked: ElevationBounds, given: ElevationBounds): string | undefined {
  if (given.forMs > asked.forMs) return `${minutesOf(given.forMs)} minutes are longer than the ${minutesOf(asked.forMs)} asked for`;
  if (asked.scope.length === 0) return undefined;
  if (given.scope.length === 0) return "all of the role is more than the scopes asked for";
  const outside = given.scope.find((scope) => !asked.scope.some((held) => covers(held, scope)));
  return outside === undefined ? undefined : `\`${outside}\` is not among the scopes asked for (${asked.scope.join(" ")})`;
}

export function minutesOf(ms: number): number {
  return Math.ceil(ms / 60_000);
}

/** An answer's bounds as it keeps them: yeses to other bounds do not count together. */
export function boundsArgs({ scope, forMs }: ElevationBounds): JsonObject {
  return { scope: [...scope], forMs };
}

/** The policy's entry that a question was asked under; undefined when it is gone or says something else by now. */
export function entryBehind(
  policy: Pick<Policy, "agents">,
  elevation: Pick<Elevation, "agent" | "role" | "forMs" | "approvers" | "terms">,
): Eligible | undefined {
  const entry = eligibleFor(policy, elevation.agent, elevation.role);
  if (entry === undefined || entry.mostMs < elevation.forMs) return undefined;
  const { by, expiresMs: _, ...terms } = entry.approve;
  return JSON.stringify([by, termsText(terms)]) === JSON.stringify([elevation.approvers, termsText(elevation.terms)]) ? entry : undefined;
}

export function eligibleFor({ agents }: Pick<Policy, "agents">, agent: string, role: string): Eligible | undefined {
  return agents.find(({ name }) => name === agent)?.eligible.find((entry) => entry.role === role);
}

function termsText({ count, also, stepUp, escalate }: ApprovalTerms): string {
  return JSON.stringify([
    count,
    also.map(({ by, count: many }) => [by, many]),
    stepUp,
    escalate === undefined ? null : [escalate.afterMs, escalate.to],
  ]);
}
