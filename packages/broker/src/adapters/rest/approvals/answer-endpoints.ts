import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Approval } from "../../../domain/approval.ts";
import { shapeOf } from "../../../domain/approval-shape.ts";
import { approvalSchema, bulkAnswerSchema, bulkSchema, toSignSchema } from "../../../rest-contract/approvals.ts";
import { stepUpSchema } from "../assertion-schema.ts";
import { addEndpoint, nothing } from "../endpoint.ts";
import { rotateBrowserSession } from "../person-cookie.ts";
import type { RestPorts } from "../ports.ts";
import { nameOf, type Principal } from "../principal.ts";
import { Problem } from "../problem.ts";
import { beginStepUp } from "../step-up.ts";
import { standStop } from "../stops.ts";
import { answerApproval, findApproval, finalYes, record } from "./answer.ts";
import { concealedFrom } from "./conceal.ts";
import { approvalParams, argsBody, asBounds, boundsBody, reasonBody, showingBody } from "./request.ts";
import { approvalDocument, toBeSigned } from "./sign.ts";
import { viewApproval } from "./view.ts";
import { mayAnswer } from "./who-may.ts";

/** What people say to a held call: yes in several ways, no, and stop. Each is a POST; nothing is ever answered by following a link. */
export function addAnswerEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  const view = async (approval: Approval, principal: Principal): Promise<z.input<typeof approvalSchema>> =>
    viewApproval(approval, principal, ports, await ports.duties.inForce(approval.tenant, ports.now()));
  const common = { tag: "approvals", need: "answer", params: approvalParams, query: nothing } as const;
  addEndpoint(app, ports, {
    ...common,
    method: "post",
    path: "/approvals/{id}/step-up",
    summary: "what a passkey has to sign for a yes to exactly this",
    body: z.strictObject({ args: argsBody.optional(), bounds: boundsBody.optional() }),
    answer: toSignSchema,
    handle: async ({ principal, params, body }) => {
      const approval = await findApproval(ports, principal, params.id);
      // Whoever signs sees every value: nobody signs what is hidden from them, and nobody else is shown it.
      const may = mayAnswer(approval, principal, ports, await ports.duties.inForce(approval.tenant, ports.now()));
      if (!may.ok) throw may.problem;
      if (principal.kind !== "person") throw new Problem("person_required", "an approval is a person's answer");
      const { args, argsDigest } = await finalYes(ports, approval, principal, body.args);
      // Where the question wants no signature, asking what to sign is no way to see more; nor is an edit that would want one.
      if (!approval.terms.stepUp && concealedFrom(ports.policy(), approval, principal).hides(args)) {
        throw new Problem("role_required", "this holds values that are hidden from you, and you would sign them", [
          "say yes without a signature, or ask somebody with a role that `reveal` names in `bailiwick.yaml`",
        ]);
      }
      const person = principal.person.id;
      const document = toBeSigned(ports, approvalDocument(approval, { person, args, argsDigest, bounds: asBounds(body.bounds) }));
      return { document: { ...document }, options: { ...(await beginStepUp(ports, person, document)) } };
    },
  });
  addEndpoint(app, ports, {
    ...common,
    method: "post",
    path: "/approvals/{id}/approve",
    summary: "lets the call go ahead: once, with these arguments or with others, or for several calls within bounds",
    body: z.strictObject({
      showing: showingBody,
      args: argsBody.optional(),
      bounds: boundsBody.optional(),
      reason: reasonBody.optional(),
      stepUp: stepUpSchema.optional(),
    }),
    answer: approvalSchema,
    handle: async ({ principal, context, params, body }) => {
      const given = { ...body, verdict: "approve", bounds: asBounds(body.bounds) } as const;
      const approval = await answerApproval(ports, principal, params.id, given);
      // Last, because an answer that is a problem carries no cookie: the browser would be left with a token that opens nothing.
      if (body.stepUp !== undefined) await rotateBrowserSession(ports, context, principal);
      return view(approval, principal);
    },
  });
  addEndpoint(app, ports, {
    ...common,
    method: "post",
    path: "/approvals/{id}/deny",
    summary: "refuses the call; the agent is told the reason",
    body: z.strictObject({ reason: reasonBody }),
    answer: approvalSchema,
    handle: async ({ principal, params, body }) =>
      view(await answerApproval(ports, principal, params.id, { verdict: "deny", reason: body.reason }), principal),
  });
  addEndpoint(app, ports, {
    ...common,
    method: "post",
    path: "/approvals/{id}/stop",
    summary: "refuses the call and suspends its agent; an operator can lift that",
    body: z.strictObject({ reason: reasonBody }),
    answer: approvalSchema,
    handle: async ({ principal, params, body }) => {
      const denied = await deniedForStop(ports, principal, params.id, body.reason);
      // Nobody asked for a drill: its agent did nothing.
      if (denied.drill === true) return view(denied, principal);
      await record(ports, denied, principal, "approval.stop", { facts: { reason: body.reason } });
      await standStop(ports, principal, {
        tenant: denied.tenant,
        kind: "agent",
        name: denied.agent,
        state: "suspended",
        by: nameOf(principal),
        reason: oneLine(body.reason),
        at: ports.now(),
      });
      return view(denied, principal);
    },
  });
  addBulk(app, ports);
}

/** The approval with this person's no. When the stop itself failed after it, the same request goes on from there. */
async function deniedForStop(ports: RestPorts, principal: Principal, id: string, reason: string): Promise<Approval> {
  try {
    return await answerApproval(ports, principal, id, { verdict: "deny", reason });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "already_answered") throw error;
    const approval = await findApproval(ports, principal, id);
    const last = approval.answers.at(-1);
    if (last?.verdict !== "deny" || last.by !== nameOf(principal)) throw error;
    return approval;
  }
}

/** A stop's reason is one line of at most so many characters. */
const MAX_STOP_REASON = 500;

function oneLine(reason: string): string {
  return reason.replaceAll(/\p{Cc}+/gu, " ").slice(0, MAX_STOP_REASON);
}

function addBulk(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "post",
    path: "/approvals/bulk",
    tag: "approvals",
    summary: "one answer to several questions of the same shape",
    need: "answer",
    params: nothing,
    query: nothing,
    body: bulkSchema,
    answer: bulkAnswerSchema,
    handle: async ({ principal, body }) => {
      const approvals = await Promise.all(body.approvals.map(({ id }) => findApproval(ports, principal, id)));
      requireAlike(approvals);
      const { verdict, reason } = body;
      if (verdict === "deny" && reason === undefined)
        throw new Problem("malformed_request", "a denial needs a reason, which the agents are told", ["say why"]);
      const results: z.input<typeof bulkAnswerSchema>["results"] = [];
      for (const { id, showing } of body.approvals) {
        try {
          const given =
            verdict === "deny" ? { verdict, reason: reason ?? "" } : { verdict, showing, ...(reason === undefined ? {} : { reason }) };
          results.push({ id, state: (await answerApproval(ports, principal, id, given)).state });
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          results.push({ id, problem: error.message, code: error.code });
        }
      }
      return { results };
    },
  });
}

/** @throws Problem `not_alike`. */
function requireAlike(approvals: readonly Approval[]): void {
  const [first] = approvals;
  const same = approvals.every((each) => first !== undefined && each.tenant === first.tenant && shapeOf(each) === shapeOf(first));
  if (!same) {
    throw new Problem("not_alike", "only questions of the same agent, operation, arguments by name and rules are answered together", [
      "answer these one by one",
    ]);
  }
  if (approvals.some(({ terms }) => terms.stepUp))
    throw new Problem("not_alike", "each of these is signed for itself", ["answer them one by one, with your passkey"]);
}
