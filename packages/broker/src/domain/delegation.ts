import type { JsonObject, RowBound } from "@bailiwick/policy";
import { MAX_DELEGATION_DEPTH, type SenderBinding, type Session, type SessionLimits } from "./session.ts";

/** What a delegate asks of its delegator's session. */
export interface DelegationWish {
  /** The delegate's own name: `bailiwick://<tenant>/<environment>/<workflow>/<agent>`. */
  readonly agent: string;
  readonly tenant: string;
  readonly environment: string;
  /** Undefined: all the delegator's session has. */
  readonly scope: readonly string[] | undefined;
  readonly data: JsonObject;
  readonly rows: readonly RowBound[];
  readonly limits: SessionLimits;
  readonly binding: SenderBinding;
}

/** What a delegate gets: never more than its delegator's session holds. */
export interface Delegated {
  readonly scope: readonly string[];
  readonly data: JsonObject;
  readonly rows: readonly RowBound[];
  readonly limits: SessionLimits;
  readonly lineage: readonly string[];
  readonly actors: readonly string[];
}

/** Why a delegation is not possible, as an OAuth error code (RFC 6749 section 5.2) and a sentence. */
export interface NotDelegable {
  readonly error: "invalid_request" | "invalid_scope" | "invalid_target";
  readonly message: string;
}

/**
 * What `wish` may get out of `delegator` (attenuation). What asks for more is refused rather than cut, so that nobody believes to hold it;
 * budgets are cut, since they are drawn from the delegator's anyway. Pure.
 */
export function delegate(delegator: Session, wish: DelegationWish): Delegated | NotDelegable {
  return impossible(delegator, wish) ?? narrowed(delegator, wish);
}

function impossible(delegator: Session, wish: DelegationWish): NotDelegable | undefined {
  if (wish.tenant !== delegator.tenant || wish.environment !== delegator.environment)
    return no("invalid_target", "a session is delegated inside its own tenant and environment only");
  if (delegator.lineage.length + 1 > MAX_DELEGATION_DEPTH)
    return no(
      "invalid_target",
      `a session is passed on at most ${MAX_DELEGATION_DEPTH} times; ask the root of this chain to delegate directly`,
    );
  if (wish.agent !== delegator.agent && delegator.actors.includes(wish.agent))
    return no("invalid_target", `\`${wish.agent}\` is already in this chain; a delegation does not come back to who made it`);
  if (wish.binding.kind === "bearer" && delegator.binding.kind !== "bearer")
    return no(
      "invalid_request",
      "a session bound to its sender is delegated to another bound one only; send a DPoP proof with a key of the delegate",
    );
  if (wish.agent !== delegator.agent && sameKey(wish.binding, delegator.binding))
    return no("invalid_request", "the delegate proves itself with the delegator's key; each agent uses a key of its own");
  return undefined;
}

function narrowed(delegator: Session, wish: DelegationWish): Delegated | NotDelegable {
  const wider = wish.scope?.find((asked) => !delegator.scope.some((held) => covers(held, asked)));
  if (wider !== undefined)
    return no(
      "invalid_scope",
      `\`${wider}\` is not in the delegator's session (${delegator.scope.join(" ") || "which has no scope"}); ask for less`,
    );
  const changed = Object.keys(wish.data).find(
    (key) => Object.hasOwn(delegator.data, key) && JSON.stringify(delegator.data[key]) !== JSON.stringify(wish.data[key]),
  );
  if (changed !== undefined)
    return no("invalid_request", `\`data.${changed}\` is set by the delegator's session and cannot be changed; leave it out`);
  return {
    scope: wish.scope ?? delegator.scope,
    data: { ...delegator.data, ...wish.data },
    rows: wish.rows,
    limits: smallerLimits(delegator.limits, wish.limits),
    lineage: [...delegator.lineage, delegator.id],
    actors: wish.agent === delegator.agent ? delegator.actors : [delegator.agent, ...delegator.actors],
  };
}

/** Whether one scope pattern holds another: `tickets:*` holds `tickets:read`, which holds `tickets:read:status`. */
export function covers(held: string, asked: string): boolean {
  const [tool, action, field] = held.split(":");
  const [askedTool, askedAction, askedField] = asked.split(":");
  if (tool !== askedTool || (action !== "*" && action !== askedAction)) return false;
  return field === undefined || field === askedField;
}

/** Of two budgets of each kind the smaller. */
export function smallerLimits(held: SessionLimits, asked: SessionLimits): SessionLimits {
  const least = (name: keyof SessionLimits): number | undefined => {
    const set = [held[name], asked[name]].filter((value) => value !== undefined);
    return set.length === 0 ? undefined : Math.min(...set);
  };
  const [calls, records, cost] = [least("calls"), least("records"), least("cost")];
  return {
    ...(calls === undefined ? {} : { calls }),
    ...(records === undefined ? {} : { records }),
    ...(cost === undefined ? {} : { cost }),
  };
}

function sameKey(one: SenderBinding, other: SenderBinding): boolean {
  if (one.kind === "dpop" && other.kind === "dpop") return one.jkt === other.jkt;
  return one.kind === "mtls" && other.kind === "mtls" && one.x5t === other.x5t;
}

function no(error: NotDelegable["error"], message: string): NotDelegable {
  return { error, message };
}
