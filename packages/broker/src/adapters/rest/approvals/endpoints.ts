import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { approvalSchema, approvalsSchema, approvalStateSchema, similarSchema, triedEditSchema } from "../../../rest-contract/approvals.ts";
import { nameSchema } from "../../../rest-contract/schemas.ts";
import { approvalSentence } from "../../../domain/approval-sentence.ts";
import { addEndpoint, nothing } from "../endpoint.ts";
import type { RestPorts } from "../ports.ts";
import { Problem } from "../problem.ts";
import { tenantsOf } from "../tenants.ts";
import { findApproval } from "./answer.ts";
import { addAnswerEndpoints } from "./answer-endpoints.ts";
import { addBoundedEndpoints } from "./bounded.ts";
import { concealedFrom } from "./conceal.ts";
import { argsBody, approvalParams } from "./request.ts";
import { finalArgs, viewApproval } from "./view.ts";
import { mayAnswer } from "./who-may.ts";

/** Approvals in one answer; a page asks for the next as it scrolls. */
const MAX_APPROVALS = 200;
/** Past questions shown beside one. */
const SIMILAR_SHOWN = 5;

/** Held calls: `/approvals` and what people do with them. */
export function addApprovalEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addReading(app, ports);
  addAnswerEndpoints(app, ports);
  addBoundedEndpoints(app, ports);
}

function addReading(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/approvals",
    tag: "approvals",
    summary: "held calls, newest or most urgent first",
    need: "view",
    params: nothing,
    query: z.strictObject({
      tenant: nameSchema.optional(),
      state: approvalStateSchema.optional(),
      agent: nameSchema.optional(),
      rule: nameSchema.optional(),
      order: z.enum(["newest", "soonest"]).default("newest"),
      after: z.string().max(256).optional(),
      limit: z.coerce.number().int().min(1).max(MAX_APPROVALS).default(50),
    }),
    body: nothing,
    answer: approvalsSchema,
    handle: async ({ principal, query }) => {
      const tenants = tenantsOf(principal, query.tenant);
      const now = ports.now();
      const { tenant: _, limit, ...filter } = query;
      // A place in one tenant's list is a place in the others', since it is a time.
      const pages = await Promise.all(
        tenants.map(async (tenant) => {
          const [page, duties, pending] = await Promise.all([
            ports.approvals.list(tenant, { ...filter, limit }),
            ports.duties.inForce(tenant, now),
            ports.approvals.countPending(tenant),
          ]);
          return { ...page, duties, pending };
        }),
      );
      const by = query.order === "newest" ? "createdAt" : "expiresAt";
      const sign = query.order === "newest" ? -1 : 1;
      const all = pages
        .flatMap(({ approvals, duties }) => approvals.map((approval) => ({ approval, duties })))
        .toSorted((a, b) => sign * (a.approval[by].getTime() - b.approval[by].getTime() || (a.approval.id < b.approval.id ? -1 : 1)));
      const shown = all.slice(0, limit);
      const last = shown.at(-1)?.approval;
      const more = all.length > limit || pages.some(({ next }) => next !== undefined);
      return {
        approvals: shown.map(({ approval, duties }) => viewApproval(approval, principal, ports, duties)),
        ...(more && last !== undefined ? { next: `${last[by].toISOString()}~${last.id}` } : {}),
        pending: pages.reduce((sum, { pending }) => sum + pending, 0),
      };
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
      const approval = await findApproval(ports, principal, params.id);
      return viewApproval(approval, principal, ports, await ports.duties.inForce(approval.tenant, ports.now()));
    },
  });
  addEndpoint(app, ports, {
    method: "get",
    path: "/approvals/{id}/similar",
    tag: "approvals",
    summary: "what became of questions like this one in the last 30 days",
    need: "view",
    params: approvalParams,
    query: nothing,
    body: nothing,
    answer: similarSchema,
    handle: async ({ principal, params }) => {
      const { recent, medianMs, ...counts } = await ports.approvals.similar(await findApproval(ports, principal, params.id), SIMILAR_SHOWN);
      return {
        ...counts,
        ...(medianMs === undefined ? {} : { medianSeconds: Math.round(medianMs / 100) / 10 }),
        recent: recent.map((past) => {
          const last = past.answers.at(-1);
          return {
            id: past.id,
            at: (last?.at ?? past.createdAt).toISOString(),
            state: past.state,
            sentence: approvalSentence(concealedFrom(ports.policy(), past, principal).record(past)),
            ...(last === undefined ? {} : { by: last.by }),
            ...(last?.reason === undefined ? {} : { reason: last.reason }),
          };
        }),
      };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/approvals/{id}/try-edit",
    tag: "approvals",
    summary: "what policy says of other arguments, before anybody approves them",
    need: "answer",
    params: approvalParams,
    query: nothing,
    body: z.strictObject({ args: argsBody }),
    answer: triedEditSchema,
    handle: async ({ principal, params, body }) => {
      const approval = await findApproval(ports, principal, params.id);
      // What policy says of other arguments can betray the record: only who may answer is told.
      const may = mayAnswer(approval, principal, ports, await ports.duties.inForce(approval.tenant, ports.now()));
      if (!may.ok) throw may.problem;
      const hide = concealedFrom(ports.policy(), approval, principal);
      const tried = await ports.tryEdit(approval, hide.restored(body.args, finalArgs(approval)));
      if (tried === undefined)
        throw new Problem("approval_stale", "what the call was asked with is no longer known", ["wait until the agent asks again"]);
      const { decision, diff, refused } = tried;
      return {
        verdict: refused === undefined ? decision.verdict : "deny",
        ...(refused === undefined ? {} : { message: refused }),
        rules: [...decision.rules],
        diff: hide.changes(diff),
      };
    },
  });
}
