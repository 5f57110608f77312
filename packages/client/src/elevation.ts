import type { Json, JsonObject } from "./json.ts";
import { isObject } from "./json.ts";
import type { CallOutcome } from "./outcome.ts";
import { nextSteps } from "./refusal.ts";

/** A right for a time, for the task of this connection. Name `scope`, `role`, or both; ask for the least that does. */
export interface ElevationWish {
  /** Scopes such as `billing:refund`; a refusal's `next` names the one it lacked. Default: all of the role. */
  readonly scope?: readonly string[];
  /** Default: the first role the agent may ask for that holds the scopes. */
  readonly role?: string;
  /** One sentence for the person who answers. */
  readonly reason: string;
  /** Default: an hour, or as long as the policy gives it for. */
  readonly minutes?: number;
}

/** What people gave. */
export interface GrantedElevation {
  readonly elevation: string;
  readonly role: string;
  /** Empty: all of the role. */
  readonly scope: readonly string[];
  readonly until: Date;
  /** The scopes that a new session must be opened with, when this one does not cover the right. */
  readonly reconnectWith: readonly string[] | undefined;
}

/**
 * Reads the outcome of `requestElevation`, or of `waitForApproval` for its ticket; undefined when the right was not given, or not yet. Of other calls'
 * results it says nothing of worth.
 */
export function grantedElevation(outcome: CallOutcome): GrantedElevation | undefined {
  const facts = outcome.kind === "result" ? outcome.body["structuredContent"] : undefined;
  if (!isObject(facts) || facts["status"] !== "active") return undefined;
  const { elevation, role, scope, until, next } = facts;
  if (typeof elevation !== "string" || typeof role !== "string" || typeof until !== "string") return undefined;
  return { elevation, role, scope: texts(scope), until: new Date(until), reconnectWith: wider(next) };
}

export function elevationArguments({ scope, role, reason, minutes }: ElevationWish): JsonObject {
  return {
    ...(scope === undefined ? {} : { scope: [...scope] }),
    ...(role === undefined ? {} : { role }),
    reason,
    ...(minutes === undefined ? {} : { minutes }),
  };
}

function wider(next: Json | undefined): readonly string[] | undefined {
  for (const step of nextSteps(next)) if (step.kind === "reauthenticate" && step.scope !== undefined) return step.scope.split(" ");
  return undefined;
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
