import { createHash } from "node:crypto";
import type { JsonObject, PersonConfig, Policy, RuleRef } from "@bailiwick/policy";
import { type Question, rolesAsked, standingOf } from "./answering.ts";
import { verbOf } from "./approval-sentence.ts";
import type { Approval } from "./approval.ts";
import { barredFrom, undoerOf } from "./barred.ts";
import type { Duty } from "./duty.ts";
import type { Elevation } from "./elevation.ts";
import type { QuestionKind } from "./notification.ts";
import { HIGH_EFFECTS } from "./stakes.ts";

/** A question as messages speak of it. Only what is under `untrusted` holds words of agents, arguments or people's names. */
export interface Notice {
  readonly kind: QuestionKind;
  readonly id: string;
  readonly tenant: string;
  readonly environment: string;
  readonly agent: string;
  readonly scope: readonly string[];
  readonly effect?: string | undefined;
  /** Made by the broker, without arguments and without people. */
  readonly sentence: string;
  readonly why: readonly string[];
  readonly state: string;
  /** Whether somebody can still answer it. */
  readonly open: boolean;
  readonly expiresAt: Date;
  /** Compared by eye with the page's. */
  readonly fingerprint: string;
  /** Whether a button may answer it. */
  readonly buttons: boolean;
  readonly question: Question;
  /** People who may not answer it. */
  readonly barred: readonly string[];
  readonly untrusted: { readonly reason?: string | undefined; readonly args?: JsonObject | undefined; readonly user?: string | undefined };
}

/**
 * Twelve digits that a person can compare between a message and the page. What is asked never changes under one id, so no digest of the
 * arguments is in it: who sees the rest of the page could guess by it what is hidden from them.
 */
export function approvalFingerprint({ id, callId, session, fingerprint }: Approval): string {
  return shortDigest([id, callId, session, fingerprint]);
}

export function noticeOfApproval(approval: Approval, policy: Policy, now: Date): Notice {
  const { id, tenant, environment, agent, scope, effect, approvers, terms, answers, createdAt, expiresAt, state, user } = approval;
  return {
    kind: "approval",
    id,
    tenant,
    environment,
    agent,
    scope: [scope],
    effect,
    sentence: `agent \`${shortName(agent)}\` of ${tenant}/${environment} wants to ${verbOf(effect)} \`${scope}\``,
    why: approval.rules.map(ruleWords),
    state,
    open: state === "pending" && expiresAt > now,
    expiresAt,
    fingerprint: approvalFingerprint(approval),
    buttons: !HIGH_EFFECTS.has(effect) && !terms.stepUp && terms.count === 1 && terms.also.length === 0,
    question: { approvers, terms, answers, createdAt },
    barred: barredFrom(policy, { people: [user, ...undoerOf(approval)], agents: [agent, ...approval.actors] }),
    untrusted: { reason: approval.statedReason, args: approval.args, user },
  };
}

export function noticeOfElevation(elevation: Elevation, policy: Policy, now: Date): Notice {
  const { id, tenant, environment, agent, role, scope, askedBy, approvers, terms, answers, createdAt, askEndsAt, state } = elevation;
  const what = scope.length === 0 ? `role \`${role}\`` : `${scope.map((each) => `\`${each}\``).join(", ")} of role \`${role}\``;
  return {
    kind: "elevation",
    id,
    tenant,
    environment,
    agent,
    scope,
    sentence: `agent \`${shortName(agent)}\` of ${tenant}/${environment} asks for ${what} for ${duration(elevation.forMs)}`,
    why: [],
    state,
    open: state === "pending" && askEndsAt > now,
    expiresAt: elevation.given?.until ?? askEndsAt,
    fingerprint: shortDigest([id, agent, role, ...scope, String(elevation.forMs), createdAt.toISOString()]),
    buttons: false,
    question: { approvers, terms, answers, createdAt },
    barred: barredFrom(policy, {
      people: ["person" in askedBy ? askedBy.person : askedBy.user],
      agents: [agent, ...(elevation.actors ?? [])],
    }),
    untrusted: { reason: elevation.reason, ...("person" in askedBy ? {} : { user: askedBy.user }) },
  };
}

/** People who may answer a question now and have not. With `only`, those who may in one of these roles. */
export function peopleAsked(
  notice: Notice,
  {
    policy,
    duties,
    now,
    only,
  }: { readonly policy: Policy; readonly duties: readonly Duty[]; readonly now: Date; readonly only?: readonly string[] | undefined },
): readonly PersonConfig[] {
  const { question, barred, tenant } = notice;
  const people = policy.people.filter(({ tenants }) => tenants.includes(tenant));
  const answered = question.answers.map(({ by }) => by);
  const asked = only ?? rolesAsked(question, now);
  return people.filter((person) => {
    if (answered.includes(person.id) || person.roles.includes(READ_ONLY_ROLE)) return false;
    const standing = standingOf(question, person, { duties, people, barred, now });
    return standing?.roles.some((role) => asked.includes(role)) === true;
  });
}

/** An auditor only reads. */
const READ_ONLY_ROLE = "auditor";

function shortName(agent: string): string {
  return agent.split("/").at(-1) ?? agent;
}

function ruleWords({ kind, id, at }: RuleRef): string {
  return `${kind} \`${id}\` (${at.file}:${at.line})`;
}

function duration(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}

function shortDigest(parts: readonly string[]): string {
  const hex = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  return [hex.slice(0, 4), hex.slice(4, 8), hex.slice(8, 12)].join("-");
}
