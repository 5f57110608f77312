import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { JsonObject } from "@bailiwick/policy";
import { type AdminAct, type AdminEvent, adminRecord } from "../../domain/admin-record.ts";
import type { Approval } from "../../domain/approval.ts";
import { actorsBehind } from "./actors-behind.ts";
import { alreadyAnswered, answerProblem, viewApproval } from "./approval-view.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, nameOf, type Principal, viaOf } from "./principal.ts";
import { approvalSchema, nameSchema } from "../../rest-contract/schemas.ts";
import { findAmong, notFound, tenantsOf } from "./tenants.ts";

/** Approvals in one answer; a person reads no more at a time. */
const MAX_APPROVALS = 200;
/** A reason is a sentence or two. */
const MAX_REASON_CHARS = 2_000;

const approvalParams = z.object({ id: nameSchema });
/** The body was JSON, so an object that is no list is a JsonObject. */
const args = z
  .custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value), { error: "must be a JSON object" })
  .openapi({ type: "object", additionalProperties: true });
const reason = z.string().trim().min(1).max(MAX_REASON_CHARS);

type Given = { readonly state: "approved" | "denied"; readonly reason?: string | undefined; readonly args?: JsonObject | undefined };

/** `GET /approvals`, `GET /approvals/{id}`, `POST /approvals/{id}/approve`, `POST /approvals/{id}/deny`. */
export function addApprovalEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/approvals",
    tag: "approvals",
    summary: "held calls, newest first",
    need: "view",
    params: nothing,
    query: z.strictObject({
      tenant: nameSchema.optional(),
      state: z.enum(["pending", "approved", "denied", "expired", "cancelled", "used"]).optional(),
      limit: z.coerce.number().int().min(1).max(MAX_APPROVALS).default(50),
    }),
    body: nothing,
    answer: z.object({ approvals: z.array(approvalSchema) }),
    handle: async ({ principal, query }) => {
      const lists = await Promise.all(
        tenantsOf(principal, query.tenant).map((tenant) => ports.approvals.list(tenant, { state: query.state, limit: query.limit })),
      );
      const newest = lists.flat().toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
      const behind = await actorsBehind(ports, newest);
      const views = newest.map((approval) => viewApproval(approval, principal, ports, behind(approval)));
      return { approvals: views.filter((view) => query.state === undefined || view.state === query.state).slice(0, query.limit) };
    },
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/approvals/{id}",
    tag: "approvals",
    summary: "one held call",
    need: "view",
    params: approvalParams,
    query: nothing,
    body: nothing,
    answer: approvalSchema,
    handle: async ({ principal, params }) => {
      const approval = await find(ports, principal, params.id);
      return viewApproval(approval, principal, ports, (await actorsBehind(ports, [approval]))(approval));
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/approvals/{id}/approve",
    tag: "approvals",
    summary: "lets the call go ahead, once, with these arguments or with others",
    need: "answer",
    params: approvalParams,
    query: nothing,
    body: z.strictObject({ args: args.optional(), reason: reason.optional() }),
    answer: approvalSchema,
    handle: async ({ principal, params, body }) =>
      answer(ports, principal, params.id, { state: "approved", reason: body.reason, args: body.args }),
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/approvals/{id}/deny",
    tag: "approvals",
    summary: "refuses the call; the agent is told the reason",
    need: "answer",
    params: approvalParams,
    query: nothing,
    body: z.strictObject({ reason }),
    answer: approvalSchema,
    handle: async ({ principal, params, body }) => answer(ports, principal, params.id, { state: "denied", reason: body.reason }),
  });
}

async function find(ports: RestPorts, principal: Principal, id: string): Promise<Approval> {
  const approval = await findAmong(principal.tenants, (tenant) => ports.approvals.find(tenant, id));
  if (approval === undefined) throw notFound("approval", id, "bailiwick approvals list");
  return approval;
}

/**
 * Records the answer, then gives it. In this order, because the agent may run the call the moment the answer is stored:
 * an answer that lost the race leaves a record that says so, an answer without a record cannot exist.
 */
async function answer(ports: RestPorts, principal: Principal, id: string, given: Given): Promise<z.input<typeof approvalSchema>> {
  const approval = await find(ports, principal, id);
  const actors = (await actorsBehind(ports, [approval]))(approval);
  const problem = answerProblem(approval, principal, ports, actors);
  if (problem !== undefined) throw problem;
  const argsDigest = given.args === undefined ? undefined : ports.argsDigest(approval.operation, given.args);
  const edited = argsDigest !== undefined && argsDigest !== approval.argsDigest;
  const at = ports.now();
  await append(ports, approval, principal, given.state === "approved" ? "approval.approve" : "approval.deny", {
    body: { edited },
    // A digest of few arguments can be guessed, so it does not stand in the log.
    facts: { argsDigest: argsDigest ?? approval.argsDigest, ...(given.reason === undefined ? {} : { reason: given.reason }) },
  });
  const outcome = await ports.approvals.answer(approval.tenant, approval.id, {
    state: given.state,
    by: nameOf(principal),
    at,
    reason: given.reason,
    ...(edited ? { args: given.args, argsDigest } : {}),
  });
  if (outcome.ok) return viewApproval(outcome.approval, principal, ports, actors);
  await append(ports, approval, principal, "approval.answer_too_late", { body: { state: outcome.state } });
  throw alreadyAnswered(outcome.state);
}

type Said = Pick<AdminAct, "body" | "facts">;

async function append(ports: RestPorts, approval: Approval, principal: Principal, event: AdminEvent, said: Said): Promise<void> {
  const { id, callId, tenant, agent, user, session, task, environment } = approval;
  // An answer belongs to the run of the call it is for, and is proven with it.
  const run = (await ports.sessions.find(tenant, session))?.run;
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
      body: { approval: id, agent, session, ...(run === undefined ? {} : { run }), environment, ...said.body },
      facts: said.facts,
    }),
  );
}
