import { type Standing, standingOf } from "../../../domain/answering.ts";
import type { Approval } from "../../../domain/approval.ts";
import { barredFrom, ownersOf, undoerOf } from "../../../domain/barred.ts";
import type { Duty } from "../../../domain/duty.ts";
import type { RestPorts } from "../ports.ts";
import { type Principal, readOnlyProblem } from "../principal.ts";
import { Problem } from "../problem.ts";

/** What it takes to say who may answer. */
export type WhoMayPorts = Pick<RestPorts, "now" | "policy">;

export type MayAnswer = { readonly ok: true; readonly standing: Standing } | { readonly ok: false; readonly problem: Problem };

/**
 * Whether this principal may answer, and in which roles. Needs one of the roles asked in the approval's tenant, by themselves or by a duty; and never the
 * person the call is made for, nor the owner of the agent that makes it or of one that delegated it, owners of the company included.
 */
export function mayAnswer(approval: Approval, principal: Principal, ports: WhoMayPorts, duties: readonly Duty[]): MayAnswer {
  const no = (problem: Problem): MayAnswer => ({ ok: false, problem });
  if (principal.kind === "operator")
    return no(new Problem("person_required", "an approval is a person's answer", ["give the command `--as <person>`"]));
  const { person } = principal;
  const policy = ports.policy();
  const now = ports.now();
  const asked = approval.approvers.join(", ") || "none";
  const agents = [approval.agent, ...approval.actors];
  const undoer = undoerOf(approval);
  const barred = barredFrom(policy, { people: [approval.user, ...undoer], agents });
  if (barred.includes(person.id)) {
    const owns = ownersOf(policy, [approval.agent]).includes(person.id)
      ? "owns the agent that asks"
      : ownersOf(policy, approval.actors).includes(person.id)
        ? "owns the agent that delegated this call"
        : undoer.includes(person.id)
          ? "had this undo asked"
          : "is the user this call is made for";
    return no(
      new Problem("separation_of_duties", `\`${person.id}\` ${owns}, so someone else must answer`, [
        `ask a person with one of the roles: ${asked}`,
      ]),
    );
  }
  const readOnly = readOnlyProblem(person);
  if (readOnly !== undefined) return no(readOnly);
  const standing = principal.tenants.includes(approval.tenant)
    ? standingOf(approval, person, { duties, people: policy.people, barred, now })
    : undefined;
  if (standing === undefined) {
    return no(
      new Problem("role_required", `\`${person.id}\` holds none of the roles that may answer this: ${asked}`, [
        "ask a person who holds one; `bailiwick.yaml` lists the people and their roles",
      ]),
    );
  }
  const ended = endProblem(approval, now);
  if (ended !== undefined) return no(ended);
  return approval.answers.some(({ by, verdict }) => by === person.id && verdict === "approve") && !voided(approval, person.id)
    ? no(new Problem("already_answered", "you have said yes already; others must say so too", ["wait for the others, or ask them"]))
    : { ok: true, standing };
}

/** Whether a person's yes was to other arguments or bounds than the last one was: then they are asked again. */
function voided({ answers }: Approval, person: string): boolean {
  const last = answers.at(-1);
  const own = answers.findLast(({ by }) => by === person);
  return last !== own && JSON.stringify([own?.argsDigest, own?.bounds]) !== JSON.stringify([last?.argsDigest, last?.bounds]);
}

function endProblem(approval: Approval, now: Date): Problem | undefined {
  if (approval.state === "expired" || (approval.state === "pending" && approval.expiresAt <= now)) {
    return new Problem("approval_expired", "nobody answered in time, so the approval has expired", ["the agent may ask again"]);
  }
  return approval.state === "pending" ? undefined : alreadyAnswered(approval.state);
}

export function alreadyAnswered(state: Approval["state"]): Problem {
  return new Problem("already_answered", `the approval is ${state} already; the first answer counts`, [
    "run `bailiwick approvals show <id>` to see who answered",
  ]);
}
