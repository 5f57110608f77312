import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "@hono/zod-openapi";
import type { PersonConfig } from "@bailiwick/policy";
import { type AdminEvent, adminRecord } from "../../domain/admin-record.ts";
import type { Duty } from "../../domain/duty.ts";
import { dutiesSchema, dutySchema, newDutySchema } from "../../rest-contract/duties.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, type Principal, readOnlyProblem, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { findAmong, notFound, oneTenantOf, tenantQuery, tenantsOf } from "./tenants.ts";

const DAY_MS = 86_400_000;
/** Whoever is away longer has another job. */
const MOST_DAYS = 60;
/** How far ahead a holiday is planned. */
const MOST_DAYS_AHEAD = 365;
const ID_BYTES = 16;

type NewDuty = z.output<typeof newDutySchema>;
type DutyView = z.input<typeof dutySchema>;

/** `GET /duties`, `POST /duties`, `POST /duties/{id}/revoke`: who answers for whom while they are away. */
export function addDutyEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/duties",
    tag: "duties",
    summary: "who answers for whom: now, later, and in the last 30 days",
    need: "view",
    params: nothing,
    query: tenantQuery,
    body: nothing,
    answer: dutiesSchema,
    handle: async ({ principal, query }) => {
      const now = ports.now();
      const lists = await Promise.all(tenantsOf(principal, query.tenant).map((tenant) => ports.duties.list(tenant, now)));
      return { duties: lists.flat().map((duty) => view(ports, principal, duty)) };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/duties",
    tag: "duties",
    summary: "lets another person answer in somebody's roles for a time; it lends nothing else",
    need: "answer",
    params: nothing,
    query: nothing,
    body: newDutySchema,
    answer: dutySchema,
    handle: async ({ principal, body }) => {
      const duty = dutyOf(ports, principal, body);
      await record(ports, principal, "duty.put", duty);
      await ports.duties.put(duty);
      return view(ports, principal, duty);
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/duties/{id}/revoke",
    tag: "duties",
    summary: "ends a duty before its time",
    // The holder of the operator key clears up after people who have left; who else may is said by the duty.
    need: "view",
    params: z.object({ id: nameSchema }),
    query: nothing,
    body: nothing,
    answer: dutySchema,
    handle: async ({ principal, params }) => {
      const duty = await find(ports, principal, params.id);
      assertMayEnd(ports, principal, duty);
      if (stateOf(duty, ports.now()) === "ended" || duty.revokedAt !== undefined) throw over(duty);
      await record(ports, principal, "duty.revoke", duty);
      if (!(await ports.duties.revoke(duty.tenant, duty.id, ports.now()))) throw over(duty);
      return view(ports, principal, await find(ports, principal, duty.id));
    },
  });
}

async function find(ports: RestPorts, principal: Principal, id: string): Promise<Duty> {
  const duty = await findAmong(principal.tenants, (tenant) => ports.duties.find(tenant, id));
  if (duty === undefined) throw notFound("duty", id, "bailiwick duty list");
  return duty;
}

/** @throws Problem when the duty is none that this person may make, or is not one that can be. */
function dutyOf(ports: RestPorts, principal: Principal, body: NewDuty): Duty {
  const tenant = oneTenantOf(principal, body.tenant);
  const from = lender(ports, principal, tenant, body.from);
  const to = deputy(ports, principal, tenant, from, body.to);
  const roles = [...new Set(body.roles)];
  const missing = roles.find((role) => !from.roles.includes(role));
  if (missing !== undefined) {
    throw new Problem("malformed_request", `\`${from.id}\` does not hold the role \`${missing}\`, and nobody lends what they do not have`, [
      `name some of: ${from.roles.join(", ") || "none"}`,
    ]);
  }
  return { id: newId(ports), tenant, from: from.id, to: to.id, roles, ...timesOf(ports.now(), body), reason: body.reason };
}

/** The person who is away: the asking one, or somebody else whose every tenant is an owner's. @throws Problem. */
function lender(ports: RestPorts, principal: Principal, tenant: string, asked: string | undefined): PersonConfig {
  // `need: "answer"` lets nobody else come here.
  if (principal.kind !== "person") throw new Problem("person_required", "a duty is a person's", ["sign in as a person"]);
  const own = principal.person;
  if (asked === undefined || asked === own.id) return own;
  if (!own.roles.includes("owner")) {
    throw new Problem("role_required", "only an owner says who answers for somebody else", [
      "leave `from` out to lend your own roles, or ask an owner",
    ]);
  }
  const { people, tenants } = ports.policy();
  const away = people.find(({ id }) => id === asked);
  const known = away?.tenants.filter((each) => tenants.includes(each)) ?? [];
  if (away !== undefined && known.includes(tenant) && known.every((each) => principal.tenants.includes(each))) {
    const readOnly = readOnlyProblem(away);
    if (readOnly !== undefined) throw readOnly;
    return away;
  }
  throw new Problem("not_found", `there is no person \`${asked}\` in tenant \`${tenant}\` whose tenants are all yours`, [
    "compare the spelling with `bailiwick people list`",
  ]);
}

/** The person who answers meanwhile. @throws Problem. */
function deputy(ports: RestPorts, principal: Principal, tenant: string, from: PersonConfig, asked: string): PersonConfig {
  if (asked === from.id) throw new Problem("malformed_request", "`body.to` is the person who is away", ["name somebody else"]);
  // Who could take others' roles would answer in all of them.
  if (principal.kind === "person" && asked === principal.person.id && from.id !== asked) {
    throw new Problem("separation_of_duties", "nobody makes themselves the deputy of somebody else", [
      `\`${from.id}\` lends it to you, or another owner does`,
    ]);
  }
  const to = ports.policy().people.find((person) => person.id === asked && person.tenants.includes(tenant));
  if (to === undefined) {
    throw new Problem("not_found", `there is no person \`${asked}\` in tenant \`${tenant}\``, [
      "compare the spelling with `bailiwick people list`",
    ]);
  }
  const readOnly = readOnlyProblem(to);
  if (readOnly !== undefined) throw readOnly;
  return to;
}

/** @throws Problem `malformed_request`. */
function timesOf(now: Date, body: NewDuty): Pick<Duty, "begins" | "ends"> {
  const begins = body.begins === undefined ? now : new Date(body.begins);
  const ends = new Date(body.ends);
  const wrong = (what: string, next: string): Problem => new Problem("malformed_request", what, [next]);
  if (ends <= now) throw wrong("`body.ends` has passed", "name a time to come");
  if (ends <= begins) throw wrong("`body.ends` is not after `body.begins`", "end it later than it begins");
  if (ends.getTime() - begins.getTime() > MOST_DAYS * DAY_MS)
    throw wrong(`a duty lasts ${MOST_DAYS} days at most`, "change the person's roles in `bailiwick.yaml` for longer");
  if (begins.getTime() - now.getTime() > MOST_DAYS_AHEAD * DAY_MS)
    throw wrong(`\`body.begins\` is more than ${MOST_DAYS_AHEAD} days ahead`, "make it nearer to the time");
  // What is past is not lent any more: an answer that was not theirs then stays so.
  return { begins: begins < now ? now : begins, ends };
}

/** Either of the two, an owner of all tenants of who is away, and the holder of the operator key. @throws Problem `role_required`. */
function assertMayEnd(ports: RestPorts, principal: Principal, duty: Duty): void {
  const readOnly = principal.kind === "person" ? readOnlyProblem(principal.person) : undefined;
  if (readOnly !== undefined) throw readOnly;
  if (mayEnd(ports, principal, duty)) return;
  throw new Problem("role_required", `this duty is \`${duty.from}\`'s and \`${duty.to}\`'s`, ["ask one of them, or an owner"]);
}

function mayEnd(ports: RestPorts, principal: Principal, { from, to }: Duty): boolean {
  if (principal.kind === "operator") return true;
  const { id, roles } = principal.person;
  if (roles.includes("auditor")) return false;
  if (id === from || id === to) return true;
  const { people, tenants } = ports.policy();
  const away = people.find((person) => person.id === from);
  return roles.includes("owner") && (away?.tenants ?? []).every((each) => !tenants.includes(each) || principal.tenants.includes(each));
}

function over({ id }: Duty): Problem {
  return new Problem("not_found", `the duty \`${id}\` has ended`, ["run `bailiwick duty list` to see those in force"]);
}

/** Before it takes effect. Both people stand in it under pseudonyms, the reason among the facts. */
async function record(ports: RestPorts, principal: Principal, event: AdminEvent, duty: Duty): Promise<void> {
  const { id, tenant, from, to, roles, begins, ends, reason } = duty;
  await ports.log.append(
    tenant,
    adminRecord({
      at: ports.now(),
      event,
      by: doerOf(principal),
      via: viaOf(principal),
      callId: id,
      user: from,
      person: to,
      body: { duty: id, roles: [...roles], begins: begins.toISOString(), ends: ends.toISOString() },
      ...(event === "duty.put" ? { facts: { reason } } : {}),
    }),
  );
}

function stateOf({ begins, ends, revokedAt }: Duty, now: Date): DutyView["state"] {
  if (revokedAt !== undefined) return "revoked";
  if (ends <= now) return "ended";
  return begins > now ? "to_come" : "in_force";
}

function view(ports: RestPorts, principal: Principal, duty: Duty): DutyView {
  const { begins, ends, revokedAt, roles, ...rest } = duty;
  const state = stateOf(duty, ports.now());
  return {
    ...rest,
    roles: [...roles],
    begins: begins.toISOString(),
    ends: ends.toISOString(),
    state,
    ...(revokedAt === undefined ? {} : { revokedAt: revokedAt.toISOString() }),
    mayEnd: (state === "to_come" || state === "in_force") && mayEnd(ports, principal, duty),
  };
}

function newId({ random }: Pick<RestPorts, "random">): string {
  return `dty_${Buffer.from(random(ID_BYTES)).toString("base64url")}`;
}
