import type { z } from "@hono/zod-openapi";
import { digest } from "@bailiwick/ledger";
import type { JsonObject } from "@bailiwick/policy";
import { type AdminAct, type AdminEvent } from "../../../domain/admin-record.ts";
import { tally } from "../../../domain/answering.ts";
import type { ApprovalAnswer } from "../../../domain/approval.ts";
import { boundsArgs, boundsAsked, type Elevation, type ElevationBounds, minutesOf, widerThan } from "../../../domain/elevation.ts";
import { elevationRecord } from "../../../domain/elevation-record.ts";
import { isInside } from "../../../domain/ask-elevation.ts";
import { withoutYesOf } from "../approvals/answer.ts";
import { requireSigned } from "../approvals/sign.ts";
import type { stepUpSchema } from "../assertion-schema.ts";
import { receiptFacts } from "../person-record.ts";
import type { RestPorts } from "../ports.ts";
import { doerOf, type Principal, viaOf } from "../principal.ts";
import { Problem } from "../problem.ts";
import { findAmong, notFound } from "../tenants.ts";
import { mayAnswer, overProblem } from "./who-may.ts";

/** A person's answer as it was sent. */
export type GivenAnswer =
  | { readonly verdict: "deny"; readonly reason: string }
  | {
      readonly verdict: "approve";
      /** Less than was asked for, when given. */
      readonly scope?: readonly string[] | undefined;
      readonly minutes?: number | undefined;
      readonly reason?: string | undefined;
      readonly stepUp?: z.output<typeof stepUpSchema> | undefined;
    };

/** Type of the document that a yes to an elevation signs. */
const ELEVATION_DOCUMENT = "bailiwick.elevation.v1";

/** @throws Problem `not_found`, with the same words for another tenant's. */
export async function findElevation(ports: Pick<RestPorts, "elevations">, principal: Principal, id: string): Promise<Elevation> {
  const elevation = await findAmong(principal.tenants, (tenant) => ports.elevations.find(tenant, id));
  if (elevation === undefined) throw notFound("elevation", id, "bailiwick elevations list");
  return elevation;
}

/**
 * Answers for a person. The answer is recorded, then given: the agent may act the moment it is stored, so an answer that lost a race leaves a record
 * that says so, and one without a record cannot exist.
 * @throws Problem `separation_of_duties`, `role_required`, `person_required`, `approval_expired`, `already_answered`, `approval_changed`,
 * `approval_stale`, `elevation_wider`, `step_up_*`.
 */
export async function answerElevation(ports: RestPorts, principal: Principal, id: string, given: GivenAnswer): Promise<Elevation> {
  const elevation = await findElevation(ports, principal, id);
  const asked = given.verdict === "deny" ? withoutYesOf(principal, elevation) : elevation;
  const may = mayAnswer(asked, principal, ports, await ports.duties.inForce(elevation.tenant, ports.now()));
  if (!may.ok) throw may.problem;
  // Only a person may answer; the type does not know it yet.
  if (principal.kind !== "person") throw new Problem("person_required", "a right is given by people");
  const bounds = given.verdict === "deny" ? boundsAsked(elevation) : yesTo(ports, elevation, given);
  const args = boundsArgs(bounds);
  const receipt =
    given.verdict === "approve" && (elevation.terms.stepUp || given.stepUp !== undefined)
      ? await requireSigned(
          ports,
          principal.person.id,
          elevationDocument(elevation, principal.person.id, bounds),
          given.stepUp,
          `/api/v1/elevations/${id}/step-up`,
        )
      : undefined;
  const answer: ApprovalAnswer = {
    verdict: given.verdict,
    by: principal.person.id,
    at: ports.now(),
    via: principal.via,
    ...may.standing,
    ...(given.reason === undefined ? {} : { reason: given.reason }),
    args,
    argsDigest: digest(args),
    ...(receipt === undefined ? {} : { receipt }),
  };
  const state = stateWith(elevation, answer);
  await record(
    ports,
    elevation,
    principal,
    given.verdict === "deny" ? "elevation.deny" : "elevation.approve",
    saidOf(bounds, answer, state),
  );
  const outcome = await ports.elevations.answer(elevation.tenant, id, {
    answer,
    seen: elevation.answers.length,
    state,
    ...(state === "active" ? { given: { scope: bounds.scope, from: answer.at, until: new Date(answer.at.getTime() + bounds.forMs) } } : {}),
  });
  if (outcome.ok) return outcome.elevation;
  await record(ports, elevation, principal, "approval.answer_too_late", { body: { state: outcome.state } });
  throw overProblem({ ...elevation, state: outcome.state }) ?? changed();
}

/** What exactly a yes is to. @throws Problem `elevation_wider`. */
export function yesTo(
  ports: Pick<RestPorts, "policy">,
  elevation: Elevation,
  { scope, minutes }: { readonly scope?: readonly string[] | undefined; readonly minutes?: number | undefined },
): ElevationBounds {
  const asked = boundsAsked(elevation);
  const bounds = {
    scope: scope === undefined ? asked.scope : [...new Set(scope)],
    forMs: minutes === undefined ? asked.forMs : minutes * 60_000,
  };
  const wider = widerThan(asked, bounds) ?? outsideRole(ports, elevation, bounds);
  if (wider !== undefined)
    throw new Problem("elevation_wider", wider, ["give as much as was asked for, or less; for more it must be asked for again"]);
  return bounds;
}

/** Scopes that narrow a whole role must be some of it: otherwise the yes would give nothing, and nobody would know why. */
function outsideRole(ports: Pick<RestPorts, "policy">, { agent, role }: Elevation, { scope }: ElevationBounds): string | undefined {
  const outside = scope.find((each) => !isInside(ports.policy(), agent, role, each));
  return outside === undefined ? undefined : `\`${outside}\` is not in the role \`${role}\``;
}

/** What exactly a person says yes to. */
export function elevationDocument(elevation: Elevation, person: string, { scope, forMs }: ElevationBounds): JsonObject {
  const { id, tenant, environment, agent, actors = [], role, task, reason, askedBy, policyVersion } = elevation;
  return {
    type: ELEVATION_DOCUMENT,
    verdict: "approve",
    elevation: id,
    tenant,
    environment,
    agent,
    actors: [...actors],
    role,
    scope: [...scope],
    minutes: minutesOf(forMs),
    ...(task === undefined ? {} : { task }),
    reason,
    askedBy: { ...askedBy },
    policyVersion,
    person,
  };
}

/** Records what a person did with an elevation, under its own id. */
export function record(
  ports: Pick<RestPorts, "log" | "now">,
  elevation: Elevation,
  principal: Principal,
  event: AdminEvent,
  said: Pick<AdminAct, "body" | "facts"> = {},
): Promise<unknown> {
  const by = { by: doerOf(principal), via: viaOf(principal) };
  return ports.log.append(elevation.tenant, elevationRecord(elevation, { at: ports.now(), event, ...by, ...said }));
}

function stateWith(elevation: Elevation, answer: ApprovalAnswer): "pending" | "active" | "denied" {
  if (answer.verdict === "deny") return "denied";
  return tally({ ...elevation, answers: [...elevation.answers, answer] }, answer.at).complete ? "active" : "pending";
}

function saidOf(bounds: ElevationBounds, answer: ApprovalAnswer, state: string): Pick<AdminAct, "body" | "facts"> {
  return {
    body: {
      ...(answer.verdict === "approve" ? { scope: [...bounds.scope], minutes: minutesOf(bounds.forMs) } : {}),
      signed: answer.receipt !== undefined,
      roles: [...answer.roles],
      onDuty: answer.onDutyFor !== undefined,
      state,
    },
    facts: {
      ...(answer.reason === undefined ? {} : { reason: answer.reason }),
      ...(answer.onDutyFor === undefined ? {} : { onDutyFor: answer.onDutyFor }),
      ...receiptFacts(answer.receipt),
    },
  };
}

function changed(): Problem {
  return new Problem("approval_changed", "others have answered since you looked", ["look again, and answer what you see then"]);
}
