import { durationMs } from "../files/duration.ts";
import type { ApproveEntry, Question } from "../files/schemas.ts";
import type { Approve, Condition } from "../rules/rule.ts";
import type { ApprovalTerms } from "../approval-terms.ts";
import type { CatalogAction, Span } from "../types.ts";
import { peopleOf, placesOf, seatedOf } from "./approvers.ts";
import { reportError } from "./findings.ts";
import { checkPeopleRole, READ_ONLY_ROLE } from "./parts.ts";
import { readCondition } from "./world.ts";
import type { World } from "./world.ts";

type At = (path: readonly PropertyKey[]) => Span;

/** How people are to answer, before it is known who they are. */
export type Asking = Omit<Approve, "unless">;

/** The demand of a grant or gate, checked: who could never answer would hold calls for ever. */
export function readApprove(
  world: World,
  approve: (Omit<ApproveEntry, "unless"> & { readonly unless?: string | undefined }) | undefined,
  entry: { readonly id: string; readonly actions: readonly CatalogAction[]; readonly at: At },
): Approve | undefined {
  if (approve === undefined) return undefined;
  const asking = askingOf(approve, approve.bounded);
  checkAsking(world, asking, entry.at);
  const unless: Condition | undefined =
    approve.unless === undefined
      ? undefined
      : readCondition(world, {
          id: `${entry.id}#unless`,
          text: approve.unless,
          at: entry.at(["unless"]),
          asked: "call",
          actions: entry.actions,
        });
  return { ...asking, unless };
}

/** `bounded` false: a yes is for one call. */
export function askingOf({ by, count, also, stepUp, escalate, expires }: Question, bounded: ApproveEntry["bounded"]): Asking {
  return {
    by,
    count,
    also,
    stepUp,
    expiresMs: durationMs(expires),
    ...(escalate === undefined ? {} : { escalate: escalationOf(escalate) }),
    ...(bounded === false ? {} : { bounded: boundsOf(bounded) }),
  };
}

export function escalationOf({ after, to }: NonNullable<Question["escalate"]>): NonNullable<ApprovalTerms["escalate"]> {
  return { afterMs: durationMs(after), to };
}

export function boundsOf(bounded: Exclude<ApproveEntry["bounded"], false>): NonNullable<ApprovalTerms["bounded"]> {
  return { uses: bounded.uses, forMs: durationMs(bounded.for) };
}

/** Roles that somebody holds, enough people in some tenant, and an escalation that comes in time. */
export function checkAsking(world: World, asking: Asking, at: At): void {
  const roles: readonly (readonly [string, readonly PropertyKey[]])[] = [
    ...asking.by.map((role, index) => [role, ["by", index]] as const),
    ...asking.also.flatMap(({ by }, group) => by.map((role, index) => [role, ["also", group, "by", index]] as const)),
    ...(asking.escalate?.to ?? []).map((role, index) => [role, ["escalate", "to", index]] as const),
  ];
  for (const [role, path] of roles) checkPeopleRole(world, role, at(path));
  if (asking.escalate !== undefined && asking.escalate.afterMs >= asking.expiresMs) {
    reportError(world.report, {
      code: "late-escalation",
      at: at(["escalate", "after"]),
      what: "the question ends before it escalates",
      why: "those it escalates to would never be asked",
      write: "an `after` that is shorter than `expires`",
    });
  }
  const places = placesOf(asking);
  const isHeld = roles.every(([role]) => world.peopleRoles.includes(role) && role !== READ_ONLY_ROLE);
  // One place is filled by whoever holds the role, which is checked above.
  if (places.length < 2 || !isHeld) return;
  const most = Math.max(0, ...world.tenants.map((tenant) => seatedOf(places, peopleOf(world.people, tenant))));
  if (most === places.length) return;
  reportError(world.report, {
    code: "too-few-approvers",
    at: at(asking.count > 1 ? ["count"] : ["also"]),
    what: `${String(places.length)} different people must say yes, and in no tenant are there more than ${String(most)} who can`,
    why: "nobody could ever answer the approval",
    write: "a smaller `count`, more roles, or the roles for more people in `bailiwick.yaml`",
  });
}
