import { hash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { canonicalize } from "@bailiwick/ledger";
import { REDACTED } from "@bailiwick/policy";
import { escalatesAt, tally } from "../../../domain/answering.ts";
import type { Approval, ApprovalAnswer, ApprovalBounds, ArgumentBound, BoundedApproval } from "../../../domain/approval.ts";
import { approvalSentence, originSentence, undoSentence } from "../../../domain/approval-sentence.ts";
import { shapeOf } from "../../../domain/approval-shape.ts";
import type { Duty } from "../../../domain/duty.ts";
import { approvalFingerprint } from "../../../domain/notice.ts";
import { stakesOf } from "../../../domain/stakes.ts";
import type {
  answerSchema,
  approvalSchema,
  argumentBoundSchema,
  boundedApprovalSchema,
  boundsSchema,
} from "../../../rest-contract/approvals.ts";
import type { Principal } from "../principal.ts";
import { type Concealment, concealedFrom } from "./conceal.ts";
import { mayAnswer, type WhoMayPorts } from "./who-may.ts";

/** An approval as a person sees it, with whether they may answer it. */
export function viewApproval(
  approval: Approval,
  principal: Principal,
  ports: WhoMayPorts,
  duties: readonly Duty[],
): z.input<typeof approvalSchema> {
  const now = ports.now();
  const may = mayAnswer(approval, principal, ports, duties);
  const hide = concealedFrom(ports.policy(), approval, principal);
  const undo = undoSentence(approval);
  const { supersedes } = approval;
  const { resource } = hide.record(approval);
  const reach = hide.hidesCost ? { ...approval.reach, cost: undefined } : approval.reach;
  const stakes = stakesOf({ ...approval, reach });
  const state = approval.state === "pending" && approval.expiresAt <= now ? "expired" : approval.state;
  return {
    id: approval.id,
    tenant: approval.tenant,
    environment: approval.environment,
    callId: approval.callId,
    run: approval.run,
    agent: approval.agent,
    user: approval.user,
    session: approval.session,
    task: approval.task,
    operation: approval.operation,
    scope: approval.scope,
    effect: approval.effect,
    sentence: approvalSentence(hide.record(approval)),
    reversible: undo.reversible,
    undo: undo.words,
    args: hide.args(finalArgs(approval)),
    maskedArgs: [...hide.maskedArgs(finalArgs(approval))],
    argsDigest: hide.hides(finalArgs(approval)) ? REDACTED : finalDigest(approval),
    check: approvalFingerprint(approval),
    showing: showingOf(approval),
    policyVersion: approval.policyVersion,
    fingerprint: approval.fingerprint,
    ...(resource === undefined ? {} : { resource: { type: resource.type, id: resource.id } }),
    diff: hide.changes(approval.diff),
    ...(approval.statedReason === undefined ? {} : { statedReason: approval.statedReason }),
    rules: [...approval.rules],
    stakes: { level: stakes.level, because: [...stakes.because] },
    reach: {
      records: reach.records,
      ...(reach.cost === undefined ? {} : { cost: reach.cost }),
      destinations: reach.destinations.map((each) => ({ ...each, value: String(hide.value(each.argument, each.value)) })),
    },
    origins: approval.origins.map((each) => ({ ...each, words: originSentence(each) })),
    ...(supersedes === undefined
      ? {}
      : { supersedes: { id: supersedes.id, because: [...supersedes.because], changes: hide.changes(supersedes.changes) } }),
    approvers: [...approval.approvers],
    quorum: viewQuorum(approval, now),
    stepUp: approval.terms.stepUp,
    ...(approval.terms.bounded === undefined ? {} : { bounded: { ...approval.terms.bounded } }),
    answers: approval.answers.map((answer) => viewAnswer(answer, hide)),
    state,
    // Known once it is over: before that a drill is a question like any other.
    ...(approval.drill === true && state !== "pending" ? { drill: true } : {}),
    shape: hash("sha256", shapeOf(approval), "base64url"),
    createdAt: approval.createdAt.toISOString(),
    expiresAt: approval.expiresAt.toISOString(),
    mayAnswer: may.ok,
    ...(may.ok ? {} : { mayNotBecause: may.problem.message }),
  };
}

/** Arguments that would run now: an earlier yes of several may have changed them. */
export function finalArgs({ args, answers }: Approval): Approval["args"] {
  return answers.at(-1)?.args ?? args;
}

function finalDigest({ argsDigest, answers }: Approval): string {
  return answers.at(-1)?.argsDigest ?? argsDigest;
}

/**
 * Names what a card shows: a yes is to this and to nothing else. What was asked never changes under one id; what was answered does. No digest of values,
 * which somebody from whom they are hidden could guess.
 */
export function showingOf({ id, tenant, answers }: Approval): string {
  const said = answers.map(({ by, verdict, at }) => [by, verdict, at.toISOString()]);
  return hash("sha256", canonicalize([tenant, id, said]), "base64url");
}

function viewQuorum(question: Approval, now: Date): z.input<typeof approvalSchema>["quorum"] {
  const later = escalatesAt(question, now);
  return {
    groups: tally(question, now).groups.map(({ by, count, yes }) => ({ by: [...by], count, yes: [...yes] })),
    ...(later === undefined ? {} : { escalatesAt: later.toISOString() }),
  };
}

function viewAnswer(answer: ApprovalAnswer, hide: Concealment): z.input<typeof answerSchema> {
  const { verdict, by, at, onDutyFor, reason, args, bounds, receipt } = answer;
  return {
    verdict,
    by,
    at: at.toISOString(),
    ...(onDutyFor === undefined ? {} : { onDutyFor }),
    ...(reason === undefined ? {} : { reason }),
    ...(args === undefined ? {} : { args: hide.args(args) }),
    ...(bounds === undefined ? {} : { bounds: viewBounds(bounds, hide) }),
    signed: receipt !== undefined,
  };
}

/** Without a concealment as it is, for whoever signs it. */
export function viewBounds({ uses, until, within, args }: ApprovalBounds, hide?: Concealment): z.output<typeof boundsSchema> {
  return {
    uses,
    until: until.toISOString(),
    within,
    args: Object.fromEntries(
      Object.entries(args).map(([name, bound]) => [name, viewBound(hide === undefined ? bound : hide.bound(name, bound))]),
    ),
  };
}

function viewBound(bound: ArgumentBound): z.output<typeof argumentBoundSchema> {
  return "in" in bound ? { in: z.array(z.json()).parse(bound.in) } : bound;
}

export function viewBounded(bounded: BoundedApproval, principal: Principal, ports: WhoMayPorts): z.input<typeof boundedApprovalSchema> {
  const { approval, bounds, usesLeft, revokedAt } = bounded;
  const hide = concealedFrom(ports.policy(), approval, principal);
  return {
    id: approval.id,
    tenant: approval.tenant,
    agent: approval.agent,
    user: approval.user,
    task: approval.task,
    sentence: approvalSentence(hide.record(approval)),
    args: hide.args(bounded.args),
    bounds: viewBounds(bounds, hide),
    usesLeft,
    approvedBy: approval.answers.filter(({ verdict }) => verdict === "approve").map(({ by }) => by),
    ...(revokedAt === undefined ? {} : { revokedAt: revokedAt.toISOString() }),
  };
}
