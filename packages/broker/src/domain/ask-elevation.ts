import { ceilingScopes, type Eligible, type Policy, roleScopes } from "@bailiwick/policy";
import { covers } from "./delegation.ts";
import { type Elevation, minutesOf } from "./elevation.ts";

/** What somebody asks for an agent to have for a time. */
export interface ElevationWish {
  /** Name of the agent. */
  readonly agent: string;
  /** One of its `eligible` roles. Undefined: the first one that holds all of `scope`. */
  readonly role?: string | undefined;
  /** Empty: all of the role. */
  readonly scope: readonly string[];
  readonly task?: string | undefined;
  /** Undefined: an hour, or as long as the policy gives it for. */
  readonly forMs?: number | undefined;
  readonly reason: string;
  readonly askedBy: Elevation["askedBy"];
  readonly actors?: readonly string[] | undefined;
}

/** Why it cannot be asked for, and what can be done instead. */
export interface NotEligible {
  readonly ok: false;
  readonly message: string;
  readonly next: string;
}

export type ElevationQuestion = { readonly ok: true; readonly elevation: Elevation } | NotEligible;

/** What is asked for when nobody says for how long: the shorter a right, the less can be done with it. */
const USUAL_MS = 60 * 60_000;
/** Less than this is over before it was read about. */
const SHORTEST_MS = 60_000;

/**
 * The question that people are asked, or why there is none: the role must be one that the policy lets this agent ask for, the scopes some of the role's,
 * inside the agent's ceiling, and the time no longer than the policy says. Pure.
 */
export function askElevation(
  policy: Policy,
  wish: ElevationWish,
  { id, now }: { readonly id: string; readonly now: Date },
): ElevationQuestion {
  const agent = policy.agents.find(({ name }) => name === wish.agent);
  if (agent === undefined) return no(`there is no agent \`${wish.agent}\` in the policy`, "name one that `bailiwick agents list` shows");
  const entry = entryFor(policy, agent.name, agent.eligible, wish);
  if ("ok" in entry) return entry;
  const outside = wish.scope.find((scope) => !isInside(policy, agent.name, entry.role, scope));
  if (outside !== undefined)
    return no(`\`${outside}\` is not in the role \`${entry.role}\`, or lies outside of the agent's ceiling`, scopesOf(policy, entry.role));
  const forMs = wish.forMs ?? Math.min(USUAL_MS, entry.mostMs);
  if (forMs > entry.mostMs)
    return no(
      `\`${entry.role}\` is given for ${minutesOf(entry.mostMs)} minutes at most, not for ${minutesOf(forMs)}`,
      "ask for less time",
    );
  if (forMs < SHORTEST_MS) return no("a right is given for a minute at least", "ask for more time");
  const { by, expiresMs, ...terms } = entry.approve;
  return {
    ok: true,
    elevation: {
      id,
      tenant: agent.tenant,
      agent: agent.name,
      environment: agent.environment,
      role: entry.role,
      scope: [...new Set(wish.scope)],
      ...(wish.task === undefined ? {} : { task: wish.task }),
      forMs,
      reason: wish.reason,
      askedBy: wish.askedBy,
      ...(wish.actors === undefined || wish.actors.length === 0 ? {} : { actors: wish.actors }),
      approvers: by,
      terms,
      policyVersion: policy.version,
      state: "pending",
      createdAt: now,
      askEndsAt: new Date(now.getTime() + expiresMs),
      answers: [],
    },
  };
}

/** Whether a scope names something that the role grants and the agent's own ceiling lets pass. */
export function isInside(policy: Policy, agent: string, role: string, scope: string): boolean {
  const ceiling = ceilingScopes(policy, agent);
  return roleScopes(policy, role).some(
    (granted) => names(scope, granted) && (ceiling.length === 0 || ceiling.some((bound) => names(bound, granted))),
  );
}

/** `billing:*` and `billing:refund:amount` both name `billing:refund`. */
function names(pattern: string, scope: string): boolean {
  return covers(pattern.split(":").slice(0, 2).join(":"), scope);
}

function entryFor(
  policy: Policy,
  agent: string,
  eligible: readonly Eligible[],
  { role, scope }: Pick<ElevationWish, "role" | "scope">,
): Eligible | NotEligible {
  const found =
    role === undefined
      ? eligible.find((entry) => scope.length > 0 && scope.every((each) => isInside(policy, agent, entry.role, each)))
      : eligible.find((entry) => entry.role === role);
  if (found !== undefined) return found;
  const what =
    role === undefined ? (scope.length === 0 ? "nothing that is not named" : scope.map((each) => `\`${each}\``).join(", ")) : `\`${role}\``;
  return no(
    `this agent may not ask for ${what}`,
    eligible.length === 0
      ? "its owner can list roles under `eligible` in its file of the policy folder"
      : `it may ask for: ${eligible.map((entry) => `\`${entry.role}\` (${entry.reason})`).join("; ")}`,
  );
}

function scopesOf(policy: Policy, role: string): string {
  const scopes = roleScopes(policy, role);
  return scopes.length === 0
    ? "the role grants nothing; choose another"
    : `the role has ${scopes.join(" ")}; leave the scope out for all of them`;
}

function no(message: string, next: string): NotEligible {
  return { ok: false, message, next };
}
