import { rolesAsked, type Standing, standingOf } from "../../../domain/answering.ts";
import { barredFrom, ownersOf } from "../../../domain/barred.ts";
import type { Duty } from "../../../domain/duty.ts";
import { type Elevation, entryBehind } from "../../../domain/elevation.ts";
import type { RestPorts } from "../ports.ts";
import { type Principal, readOnlyProblem } from "../principal.ts";
import { Problem } from "../problem.ts";

/** What it takes to say who may do what with an elevation. */
export type WhoMayPorts = Pick<RestPorts, "now" | "policy">;

type MayAnswer = { readonly ok: true; readonly standing: Standing } | { readonly ok: false; readonly problem: Problem };

/**
 * Whether this principal may answer, and in which roles. Needs one of the roles asked in the elevation's tenant, by themselves or by a duty; and never who
 * asked, the user it was asked for, or the owner of the agent or of one behind it, owners of the company included.
 */
export function mayAnswer(elevation: Elevation, principal: Principal, ports: WhoMayPorts, duties: readonly Duty[]): MayAnswer {
  const no = (problem: Problem): MayAnswer => ({ ok: false, problem });
  if (principal.kind === "operator")
    return no(new Problem("person_required", "a right is given by people", ["give the command `--as <person>`"]));
  const { person } = principal;
  const policy = ports.policy();
  const now = ports.now();
  const asked = rolesAsked(elevation, now).join(", ") || "none";
  const barred = barredBy(elevation, policy);
  if (barred.includes(person.id)) {
    return no(
      new Problem("separation_of_duties", `\`${person.id}\` ${partOf(elevation, person.id, policy)}, so someone else must answer`, [
        `ask a person with one of the roles: ${asked}`,
      ]),
    );
  }
  const readOnly = readOnlyProblem(person);
  if (readOnly !== undefined) return no(readOnly);
  const standing = principal.tenants.includes(elevation.tenant)
    ? standingOf(elevation, person, { duties, people: policy.people, barred, now })
    : undefined;
  if (standing === undefined) {
    return no(
      new Problem("role_required", `\`${person.id}\` holds none of the roles that may answer this: ${asked}`, [
        "ask a person who holds one; `bailiwick.yaml` lists the people and their roles",
      ]),
    );
  }
  const over = overProblem(elevation) ?? staleProblem(elevation, policy) ?? repeatedProblem(elevation, person.id);
  return over === undefined ? { ok: true, standing } : no(over);
}

/** Whoever operates the broker, owns the agent, or could have answered takes a right back; so does a person who asked for it. */
export function mayRevoke(elevation: Elevation, principal: Principal, ports: WhoMayPorts, duties: readonly Duty[]): boolean {
  if (!principal.tenants.includes(elevation.tenant)) return false;
  if (principal.kind === "operator") return true;
  const { person } = principal;
  if (readOnlyProblem(person) !== undefined) return false;
  const policy = ports.policy();
  if (person.roles.some((role) => role === "operator" || role === "owner") || ownersOf(policy, [elevation.agent]).includes(person.id))
    return true;
  if ("person" in elevation.askedBy && elevation.askedBy.person === person.id) return true;
  // Everybody who was ever asked: taking a right back needs no quorum, and waits for no escalation.
  return standingOf(elevation, person, { duties, people: policy.people, barred: [], now: ports.now() }) !== undefined;
}

export function overProblem({ state }: Elevation): Problem | undefined {
  if (state === "pending") return undefined;
  return state === "expired"
    ? new Problem("approval_expired", "its time is over, so it cannot be answered any more", ["whoever needs the right may ask again"])
    : new Problem("already_answered", `the elevation is ${state} already`, ["run `bailiwick elevations show <id>` to see who answered"]);
}

function staleProblem(elevation: Elevation, policy: ReturnType<WhoMayPorts["policy"]>): Problem | undefined {
  if (entryBehind(policy, elevation) !== undefined) return undefined;
  return new Problem(
    "approval_stale",
    "the policy has changed since this was asked: it no longer gives this right, or asks others for it",
    ["whoever needs the right may ask again under the policy in force"],
  );
}

function repeatedProblem({ answers }: Elevation, person: string): Problem | undefined {
  const own = answers.findLast(({ by }) => by === person);
  // A yes to other bounds than the last one is void: then they are asked again.
  if (own === undefined || own.argsDigest !== answers.at(-1)?.argsDigest) return undefined;
  return new Problem("already_answered", "you have said yes already; others must say so too", ["wait for the others, or ask them"]);
}

function barredBy({ agent, actors = [], askedBy }: Elevation, policy: ReturnType<WhoMayPorts["policy"]>): readonly string[] {
  return barredFrom(policy, { people: ["person" in askedBy ? askedBy.person : askedBy.user], agents: [agent, ...actors] });
}

function partOf({ agent, actors = [], askedBy }: Elevation, person: string, policy: ReturnType<WhoMayPorts["policy"]>): string {
  if (ownersOf(policy, [agent]).includes(person)) return "owns the agent that would have the right";
  if (ownersOf(policy, actors).includes(person)) return "owns an agent behind the one that asks";
  return "person" in askedBy ? "asked for this" : "is the user that the agent asks for";
}
