import type { Approve, Gate } from "../rules/rule.ts";
import type { ApprovalTerms, ApproverGroup } from "../approval-terms.ts";
import type { ApprovalDemand, RuleRef } from "../types.ts";

/** How people are asked by one rule, or by several together. */
export type Asking = ApprovalTerms & { readonly by: readonly string[]; readonly expiresMs: number };

/**
 * One demand out of the grant's and the gates': the roles that every one of them accepts, and of everything else the stricter.
 * Where no role satisfies all, the gates' own common roles decide, or the first gate's by id: a gate is the stricter word.
 */
export function mergeApprovals(
  grant: { readonly approve: Approve; readonly ref: RuleRef } | undefined,
  gates: readonly (Gate & { readonly approve: Approve })[],
): ApprovalDemand | undefined {
  const all = [...(grant === undefined ? [] : [grant]), ...gates];
  const [first] = all;
  if (first === undefined) return undefined;
  const [gate] = gates;
  if (all.length === 1) return { ...alone(first.approve), rules: [first.ref] };
  const choices = [all, gates, gate === undefined ? [] : [gate]].map((rules) => rules.map(({ approve }) => approve));
  const deciding = choices.find((rules) => commonRoles(rules).length > 0) ?? [first.approve];
  const merged = mergeAskings(
    all.map(({ approve }) => approve),
    deciding,
  );
  return { ...merged, rules: all.map((rule) => rule.ref) };
}

/** Most calls are asked about by one rule, which asks for the same each time. */
const known = new WeakMap<Asking, Asking>();

function alone(asking: Asking): Asking {
  const found = known.get(asking) ?? mergeAskings([asking], [asking]);
  known.set(asking, found);
  return found;
}

/** Roles that both accept; where there is none, the delegator's, since it lends the right. Of everything else the stricter. */
export function mergeDelegated(own: Asking, above: Asking): Asking {
  const both = [own, above];
  return mergeAskings(both, commonRoles(both).length > 0 ? both : [above]);
}

/** INVARIANT: at no time do fewer or other people suffice than any of `all` demands, save for the roles of those that are not `deciding`. */
function mergeAskings(all: readonly Asking[], deciding: readonly Asking[]): Asking {
  const expiresMs = Math.min(...all.map((asking) => asking.expiresMs));
  const by = commonRoles(deciding).toSorted();
  const [escalate, bounded] = [earliestCommon(deciding, by, expiresMs), smallestBounds(all)];
  return {
    by,
    count: Math.max(...all.map(({ count }) => count)),
    also: allGroups(all),
    stepUp: all.some(({ stepUp }) => stepUp),
    expiresMs,
    ...(escalate === undefined ? {} : { escalate }),
    ...(bounded === undefined ? {} : { bounded }),
  };
}

function commonRoles(askings: readonly Asking[]): readonly string[] {
  const [first, ...rest] = askings;
  return [...new Set(first?.by)].filter((role) => rest.every(({ by }) => by.includes(role)));
}

/** Every group of every rule; of those with the same roles the one with more people. */
function allGroups(askings: readonly Asking[]): readonly ApproverGroup[] {
  if (askings.every(({ also }) => also.length === 0)) return NO_GROUPS;
  const groups = new Map<string, ApproverGroup>();
  for (const { by, count } of askings.flatMap(({ also }) => also)) {
    const roles = [...new Set(by)].toSorted();
    const key = roles.join();
    if ((groups.get(key)?.count ?? 0) < count) groups.set(key, { by: roles, count });
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

const NO_GROUPS: readonly ApproverGroup[] = [];

/**
 * The first time at which every rule accepts further roles, from the start or by its own escalation, and those roles. That one rule
 * escalates to people whom another does not accept changes nothing: a grant could otherwise get round a gate by waiting.
 */
function earliestCommon(askings: readonly Asking[], by: readonly string[], expiresMs: number): ApprovalTerms["escalate"] {
  if (askings.every(({ escalate }) => escalate === undefined)) return undefined;
  const named = [...new Set(askings.flatMap((asking) => [...asking.by, ...(asking.escalate?.to ?? [])]))];
  const accepted = named
    .filter((role) => !by.includes(role))
    .map((role) => ({ role, afterMs: Math.max(...askings.map((asking) => acceptedAfterMs(asking, role))) }));
  const afterMs = Math.min(...accepted.map((one) => one.afterMs));
  if (afterMs >= expiresMs) return undefined;
  const to = accepted.filter((one) => one.afterMs === afterMs).map(({ role }) => role);
  return { afterMs, to: to.toSorted() };
}

function acceptedAfterMs({ by, escalate }: Asking, role: string): number {
  if (by.includes(role)) return 0;
  return escalate?.to.includes(role) === true ? escalate.afterMs : Number.POSITIVE_INFINITY;
}

/** Nothing when any of them forbids a yes to several calls. */
function smallestBounds(askings: readonly Asking[]): ApprovalTerms["bounded"] {
  const bounds = askings.flatMap(({ bounded }) => bounded ?? []);
  if (bounds.length < askings.length) return undefined;
  return { uses: Math.min(...bounds.map(({ uses }) => uses)), forMs: Math.min(...bounds.map(({ forMs }) => forMs)) };
}

/** How much two approvals ask of people: step-up more than none, then how many must say yes. */
export function compareApprovals(a: Asking, b: Asking): number {
  return Number(a.stepUp) - Number(b.stepUp) || peopleIn(a) - peopleIn(b);
}

function peopleIn({ count, also }: Asking): number {
  return also.reduce((sum, group) => sum + group.count, count);
}

/** The same for approvals that ask exactly the same. */
export function approvalKey(asking: Asking | undefined): string {
  if (asking === undefined) return "";
  const { by, count, stepUp, expiresMs, escalate, bounded } = asking;
  return JSON.stringify([
    by.toSorted(),
    count,
    allGroups([asking]),
    stepUp,
    expiresMs,
    escalate === undefined ? null : [escalate.afterMs, escalate.to.toSorted()],
    bounded === undefined ? null : [bounded.uses, bounded.forMs],
  ]);
}
