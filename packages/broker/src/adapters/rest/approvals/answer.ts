import type { z } from "@hono/zod-openapi";
import type { JsonObject } from "@bailiwick/policy";
import { type AdminAct, type AdminEvent, adminRecord } from "../../../domain/admin-record.ts";
import { tally } from "../../../domain/answering.ts";
import type { Approval, ApprovalAnswer, ApprovalBounds } from "../../../domain/approval.ts";
import { boundsProblem } from "../../../domain/bounded-yes.ts";
import type { Receipt } from "../../../domain/receipt.ts";
import type { stepUpSchema } from "../assertion-schema.ts";
import type { RestPorts } from "../ports.ts";
import { doerOf, type Principal, viaOf } from "../principal.ts";
import { Problem } from "../problem.ts";
import { findAmong, notFound } from "../tenants.ts";
import { concealedFrom } from "./conceal.ts";
import { approvalDocument, requireSigned } from "./sign.ts";
import { finalArgs, showingOf } from "./view.ts";
import { alreadyAnswered, mayAnswer } from "./who-may.ts";

/** A person's answer as it was sent. */
export type Given =
  | { readonly verdict: "deny"; readonly reason: string }
  | {
      readonly verdict: "approve";
      /** `showing` of the card that was looked at. */
      readonly showing: string;
      readonly reason?: string | undefined;
      readonly args?: JsonObject | undefined;
      readonly bounds?: ApprovalBounds | undefined;
      readonly stepUp?: z.output<typeof stepUpSchema> | undefined;
    };

/** @throws Problem `not_found`, with the same words for another tenant's. */
export async function findApproval(ports: Pick<RestPorts, "approvals">, principal: Principal, id: string): Promise<Approval> {
  const approval = await findAmong(principal.tenants, (tenant) => ports.approvals.find(tenant, id));
  if (approval === undefined) throw notFound("approval", id, "bailiwick approvals list");
  return approval;
}

/**
 * Answers a held call for a person, however they sent it. The answer is recorded, then given: the agent may run the call the moment the answer is stored,
 * so an answer that lost a race leaves a record that says so, and an answer without a record cannot exist.
 * @throws Problem `separation_of_duties`, `role_required`, `person_required`, `approval_expired`, `already_answered`, `approval_changed`,
 * `approval_stale`, `edit_refused`, `bounds_refused`, `step_up_*`.
 */
export async function answerApproval(ports: RestPorts, principal: Principal, id: string, given: Given): Promise<Approval> {
  const approval = await findApproval(ports, principal, id);
  const duties = await ports.duties.inForce(approval.tenant, ports.now());
  const may = mayAnswer(given.verdict === "deny" ? withoutYesOf(principal, approval) : approval, principal, ports, duties);
  if (!may.ok) throw may.problem;
  // Only a person may answer; the type does not know it yet.
  if (principal.kind !== "person") throw new Problem("person_required", "an approval is a person's answer");
  const common = { by: principal.person.id, at: ports.now(), via: principal.via, ...may.standing };
  const answer: ApprovalAnswer =
    given.verdict === "deny"
      ? { ...common, verdict: "deny", reason: given.reason }
      : { ...common, verdict: "approve", ...(await yesTo(ports, approval, principal, given)) };
  const state = answer.verdict === "deny" ? "denied" : stateWith(approval, answer);
  await record(
    ports,
    approval,
    principal,
    answer.verdict === "deny" ? "approval.deny" : "approval.approve",
    saidOf(approval, answer, state),
  );
  const outcome = await ports.approvals.answer(approval.tenant, id, { answer, seen: approval.answers.length, state });
  if (outcome.ok) {
    if (approval.drill === true) await record(ports, approval, principal, "approval.drill", { body: { verdict: answer.verdict } });
    return outcome.approval;
  }
  await record(ports, approval, principal, "approval.answer_too_late", { body: { state: outcome.state } });
  throw outcome.why === "ended" ? alreadyAnswered(outcome.state) : changed();
}

/** As it would be asked of them now: while others have not answered, a yes can become a no. */
export function withoutYesOf<T extends { readonly answers: readonly ApprovalAnswer[] }>(principal: Principal, question: T): T {
  return { ...question, answers: question.answers.filter(({ by }) => principal.kind !== "person" || by !== principal.person.id) };
}

type Yes = Pick<ApprovalAnswer, "reason" | "args" | "argsDigest" | "bounds" | "receipt">;

/** What exactly this yes is to, checked against what was looked at, against policy, and signed where a rule wants it. */
async function yesTo(
  ports: RestPorts,
  approval: Approval,
  principal: Extract<Principal, { kind: "person" }>,
  given: Extract<Given, { verdict: "approve" }>,
): Promise<Yes> {
  const person = principal.person.id;
  if (given.showing !== showingOf(approval)) throw changed();
  if (approval.policyVersion !== ports.policy().version) {
    throw new Problem("approval_stale", "the policy has changed since this was asked, so a yes to it would be worth nothing", [
      "wait until the agent asks again; its next question shows what holds now",
    ]);
  }
  const { args, argsDigest, stepUp } = await finalYes(ports, approval, principal, given.args);
  const hide = concealedFrom(ports.policy(), approval, principal);
  // Whether bounds hold a hidden value would say what it is.
  const blind = Object.entries(given.bounds?.args ?? {}).find(
    ([name, bound]) => JSON.stringify(hide.bound(name, bound)) !== JSON.stringify(bound),
  );
  if (blind !== undefined) {
    throw new Problem("bounds_refused", `\`${blind[0]}\` is hidden from you, so you cannot say which values it may have`, [
      "leave it out, so that it stays what it is, or approve this call once",
    ]);
  }
  const problem = given.bounds === undefined ? undefined : boundsProblem(approval, given.bounds, args, ports.now());
  if (problem !== undefined) throw new Problem("bounds_refused", problem, ["approve this call once, or choose narrower bounds"]);
  const about = approvalDocument(approval, { person, args, argsDigest, bounds: given.bounds });
  const receipt: Receipt | undefined =
    stepUp || given.stepUp !== undefined
      ? await requireSigned(ports, person, about, given.stepUp, `/api/v1/approvals/${approval.id}/step-up`)
      : undefined;
  return {
    ...(given.reason === undefined ? {} : { reason: given.reason }),
    ...(argsDigest === approval.argsDigest ? {} : { args, argsDigest }),
    ...(given.bounds === undefined ? {} : { bounds: given.bounds }),
    ...(receipt === undefined ? {} : { receipt }),
  };
}

/**
 * The arguments a yes would let run, whether it has to be signed, and what they are called. Others than asked are decided by policy first.
 * @throws Problem `edit_refused`, `approval_stale`.
 */
export async function finalYes(
  ports: Pick<RestPorts, "argsDigest" | "policy" | "tryEdit">,
  approval: Approval,
  principal: Principal,
  edited: JsonObject | undefined,
): Promise<{ readonly args: JsonObject; readonly argsDigest: string; readonly stepUp: boolean }> {
  const wanted =
    edited === undefined ? finalArgs(approval) : concealedFrom(ports.policy(), approval, principal).restored(edited, finalArgs(approval));
  const argsDigest = ports.argsDigest(approval.operation, wanted);
  if (argsDigest === approval.argsDigest) return { args: approval.args, argsDigest, stepUp: approval.terms.stepUp };
  const tried = await ports.tryEdit(approval, wanted);
  if (tried === undefined) {
    throw new Problem("approval_stale", "what the call was asked with is no longer known, so other arguments cannot be decided", [
      "deny it with the arguments you would approve as the reason; the agent can ask for those",
    ]);
  }
  const { decision, refused } = tried;
  if (refused !== undefined) {
    throw new Problem("edit_refused", refused, [
      "change the arguments, or deny; when the agent asks for these, whoever must answer is asked",
    ]);
  }
  return {
    args: tried.args,
    argsDigest: ports.argsDigest(approval.operation, tried.args),
    stepUp: approval.terms.stepUp || decision.approve?.stepUp === true,
  };
}

function stateWith(approval: Approval, answer: ApprovalAnswer): "pending" | "approved" {
  const question = { ...approval, answers: [...approval.answers, answer] };
  return tally(question, answer.at).complete ? "approved" : "pending";
}

function changed(): Problem {
  return new Problem("approval_changed", "this is not what is asked by now: others have answered since you looked", [
    "look again, and answer what you see then",
  ]);
}

type Said = Pick<AdminAct, "body" | "facts">;

function saidOf(approval: Approval, answer: ApprovalAnswer, state: string): Said {
  return {
    body: {
      edited: answer.args !== undefined,
      bounded: answer.bounds !== undefined,
      signed: answer.receipt !== undefined,
      roles: [...answer.roles],
      onDuty: answer.onDutyFor !== undefined,
      state,
    },
    // A digest of few arguments can be guessed, so it does not stand in the log.
    facts: {
      argsDigest: answer.argsDigest ?? approval.argsDigest,
      ...(answer.reason === undefined ? {} : { reason: answer.reason }),
      ...(answer.onDutyFor === undefined ? {} : { onDutyFor: answer.onDutyFor }),
      ...(answer.bounds === undefined
        ? {}
        : { uses: answer.bounds.uses, until: answer.bounds.until.toISOString(), within: answer.bounds.within }),
      ...(answer.receipt === undefined ? {} : { receipt: { ...answer.receipt, publicKey: { ...answer.receipt.publicKey } } }),
    },
  };
}

/** Records what a person did with an approval, among the records of its call and run. */
export async function record(
  ports: RestPorts,
  approval: Approval,
  principal: Principal,
  event: AdminEvent,
  said: Said = {},
): Promise<void> {
  const { id, callId, tenant, agent, user, session, run, task, environment } = approval;
  await ports.log.append(
    tenant,
    adminRecord({
      at: ports.now(),
      event,
      by: doerOf(principal),
      via: viaOf(principal),
      callId,
      user,
      task,
      body: { approval: id, agent, session, run, environment, ...said.body },
      facts: said.facts,
    }),
  );
}
