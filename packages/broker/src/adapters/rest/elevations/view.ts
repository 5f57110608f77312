import type { z } from "@hono/zod-openapi";
import { roleScopes } from "@bailiwick/policy";
import { escalatesAt, tally } from "../../../domain/answering.ts";
import type { ApprovalAnswer } from "../../../domain/approval.ts";
import type { Duty } from "../../../domain/duty.ts";
import { boundsAsked, type Elevation, type ElevationBounds, entryBehind, minutesOf } from "../../../domain/elevation.ts";
import type { elevationSchema } from "../../../rest-contract/elevations.ts";
import type { Principal } from "../principal.ts";
import { mayAnswer, mayRevoke, type WhoMayPorts } from "./who-may.ts";

/** An elevation as a person sees it, with what they may do about it. */
export function viewElevation(
  elevation: Elevation,
  principal: Principal,
  ports: WhoMayPorts,
  duties: readonly Duty[],
): z.input<typeof elevationSchema> {
  const now = ports.now();
  const policy = ports.policy();
  const may = mayAnswer(elevation, principal, ports, duties);
  const { id, tenant, environment, agent, role, scope, task, forMs, reason, state, policyVersion, approvers, given, revoked } = elevation;
  const escalation = escalatesAt(elevation, now);
  return {
    id,
    tenant,
    environment,
    agent,
    role,
    sentence: elevationSentence(elevation),
    scope: [...scope],
    roleScopes: [...roleScopes(policy, role)],
    ...(task === undefined ? {} : { task }),
    minutes: minutesOf(forMs),
    reason,
    askedBy: askerOf(elevation),
    state,
    createdAt: elevation.createdAt.toISOString(),
    askEndsAt: elevation.askEndsAt.toISOString(),
    policyVersion,
    approvers: [...approvers],
    quorum: {
      groups: tally(elevation, now).groups.map(({ by, count, yes }) => ({ by: [...by], count, yes: [...yes] })),
      ...(escalation === undefined ? {} : { escalatesAt: escalation.toISOString() }),
    },
    stepUp: elevation.terms.stepUp,
    answers: elevation.answers.map((answer) => viewAnswer(elevation, answer)),
    ...(given === undefined
      ? {}
      : { given: { scope: [...given.scope], from: given.from.toISOString(), until: given.until.toISOString() } }),
    ...(revoked === undefined ? {} : { revoked: { ...revoked, at: revoked.at.toISOString() } }),
    eligible: entryBehind(policy, elevation) !== undefined,
    mayAnswer: may.ok,
    ...(may.ok ? {} : { mayNotBecause: may.problem.message }),
    mayRevoke: state === "active" && mayRevoke(elevation, principal, ports, duties),
  };
}

/** What would be given, in one sentence of ours; names in it come from the policy and the token, never from the agent's text. */
export function elevationSentence({ agent, tenant, environment, role, scope, task, forMs }: Elevation): string {
  const short = agent.split("/").at(-1) ?? agent;
  const what = scope.length === 0 ? `the role \`${role}\`` : `${scope.map((each) => `\`${each}\``).join(", ")} of the role \`${role}\``;
  return `agent \`${short}\` of ${tenant}/${environment} gets ${what} for ${minutesOf(forMs)} minutes${task === undefined ? "" : ", for one task"}`;
}

/** What a yes is to. One that names nothing is to all that was asked. */
export function boundsOf(elevation: Elevation, { args }: Pick<ApprovalAnswer, "args">): ElevationBounds {
  const { scope, forMs } = args ?? {};
  if (!Array.isArray(scope) || typeof forMs !== "number") return boundsAsked(elevation);
  return { scope: scope.filter((each): each is string => typeof each === "string"), forMs };
}

function viewAnswer(elevation: Elevation, answer: ApprovalAnswer): z.input<typeof elevationSchema>["answers"][number] {
  const { verdict, by, at, onDutyFor, reason, receipt } = answer;
  const { scope, forMs } = boundsOf(elevation, answer);
  return {
    verdict,
    by,
    at: at.toISOString(),
    ...(onDutyFor === undefined ? {} : { onDutyFor }),
    ...(reason === undefined ? {} : { reason }),
    scope: [...scope],
    minutes: minutesOf(forMs),
    signed: receipt !== undefined,
  };
}

function askerOf({ askedBy }: Elevation): z.input<typeof elevationSchema>["askedBy"] {
  if ("person" in askedBy) return { kind: "person", name: askedBy.person };
  return { kind: "agent", name: askedBy.agent, user: askedBy.user, session: askedBy.session };
}
