import type { z } from "@hono/zod-openapi";
import { askElevation } from "../../../domain/ask-elevation.ts";
import { type Elevation, minutesOf } from "../../../domain/elevation.ts";
import type { newElevationSchema } from "../../../rest-contract/elevations.ts";
import type { RestPorts } from "../ports.ts";
import { nameOf, type Principal } from "../principal.ts";
import { Problem } from "../problem.ts";
import { notFound } from "../tenants.ts";
import { findElevation, record } from "./answer.ts";
import { mayRevoke } from "./who-may.ts";

/** 128 bits cannot be met twice. */
const ID_BYTES = 16;

/**
 * A person's question for an agent of one of their tenants. It is recorded, then kept; asked again it is the one that waits already.
 * @throws Problem `not_found`, `not_eligible`, `too_many_attempts`.
 */
export async function askForAgent(ports: RestPorts, principal: Principal, body: z.output<typeof newElevationSchema>): Promise<Elevation> {
  if (principal.kind !== "person") throw new Problem("person_required", "whoever asks for a right stands by it with their name");
  const policy = ports.policy();
  const agent = policy.agents.find(({ name, tenant }) => name === body.agent && principal.tenants.includes(tenant));
  if (agent === undefined) throw notFound("agent", body.agent, "bailiwick agents list");
  const { minutes, ...asked } = body;
  const wish = { ...asked, ...(minutes === undefined ? {} : { forMs: minutes * 60_000 }), askedBy: { person: principal.person.id } };
  const question = askElevation(policy, wish, { id: `elv_${Buffer.from(ports.random(ID_BYTES)).toString("base64url")}`, now: ports.now() });
  if (!question.ok) throw new Problem("not_eligible", question.message, [question.next]);
  const { elevation } = question;
  await record(ports, elevation, principal, "elevation.ask", {
    body: { scope: [...elevation.scope], minutes: minutesOf(elevation.forMs) },
    facts: { reason: elevation.reason },
  });
  const kept = await ports.elevations.ask(elevation);
  if (kept.ok) return kept.elevation;
  throw new Problem("too_many_attempts", `${kept.waiting} questions about this agent wait already`, [
    "answer or let end some of them first",
  ]);
}

/** @throws Problem `not_found`, `role_required`, `elevation_over`. */
export async function revokeElevation(ports: RestPorts, principal: Principal, id: string, reason: string): Promise<Elevation> {
  const elevation = await findElevation(ports, principal, id);
  if (!mayRevoke(elevation, principal, ports, await ports.duties.inForce(elevation.tenant, ports.now()))) {
    throw new Problem("role_required", "only who operates the broker, owns the agent, asked for this or may answer it takes it back", [
      `ask a person with one of the roles: ${["operator", "owner", ...elevation.approvers].join(", ")}`,
    ]);
  }
  if (elevation.state !== "active") throw over(elevation);
  await record(ports, elevation, principal, "elevation.revoke", { facts: { reason } });
  const revoked = await ports.elevations.revoke(elevation.tenant, id, { by: nameOf(principal), at: ports.now(), reason });
  if (revoked === undefined) throw over(elevation);
  return revoked;
}

function over({ state }: Elevation): Problem {
  return new Problem(
    "elevation_over",
    `only a right in force can be taken back; this one is ${state === "active" ? "no longer in force" : state}`,
    [state === "pending" ? "deny it instead" : "nothing is left to do: no call can stand on it"],
  );
}
