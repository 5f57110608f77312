import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { ownersOf } from "../../domain/barred.ts";
import type { ThreeWayChange } from "../../domain/undo.ts";
import { callsToUndo, MAX_CALLS_IN_RUN, planRun, type RunStep, undoRun } from "../../insight/undo/undo-run.ts";
import {
  changesOf,
  lookAtUndo,
  type Looked,
  previewUndo,
  type Undoable,
  undoCall,
  type UndoPorts,
  type UndoPreview,
} from "../../insight/undo/undo-call.ts";
import type { Asker } from "../../insight/undo/undo-session.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { runUndoneSchema, runUndoPlanSchema, undoneSchema, undoProposalSchema } from "../../rest-contract/undo.ts";
import { concealedFrom } from "./approvals/conceal.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, type Principal, readOnlyProblem, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";
import { findAmong, notFound, tenantQuery, tenantsOf } from "./tenants.ts";
import { shownArguments } from "./undo-arguments.ts";

type Ports = RestPorts & { readonly undo: UndoPorts };
type Policy = ReturnType<RestPorts["policy"]>;

const reason = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{Cc}+$/u)
  .optional();

/** `GET` and `POST` of `/calls/{callId}/undo` and `/runs/{run}/undo`. Whoever may not undo is told so, and sees no record. */
export function addUndoEndpoints(app: OpenAPIHono, ports: Ports): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/calls/{callId}/undo",
    tag: "undo",
    summary: "what would take a call back: the record before it, as it left it, and now; and what the policy says of it",
    need: "view",
    params: z.object({ callId: nameSchema }),
    query: nothing,
    body: nothing,
    answer: undoProposalSchema,
    handle: async ({ principal, params }) => {
      const looked = await callOf(ports, principal, params.callId);
      const preview = looked.possible ? await previewUndo(ports.undo, looked, askerOf(principal, undefined)) : undefined;
      return viewProposal(ports.policy(), principal, looked, preview);
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/calls/{callId}/undo",
    tag: "undo",
    summary: "takes a call back, by the same policy and people as every call; not when the record has changed since",
    need: "view",
    params: z.object({ callId: nameSchema }),
    query: nothing,
    body: z.strictObject({ reason }),
    answer: undoneSchema,
    handle: async ({ principal, params, body }) => {
      const looked = await callOf(ports, principal, params.callId);
      const { tenant, action } = looked.call;
      const named = { call: params.callId, action };
      const step: RunStep = looked.possible
        ? { ...named, ...(await undoCall(ports.undo, looked, askerOf(principal, body.reason))) }
        : { ...named, state: "impossible", code: looked.code, message: looked.message };
      return { tenant, ...viewStep(ports.policy(), principal, step, looked) };
    },
  });
  addRunEndpoints(app, ports);
}

function addRunEndpoints(app: OpenAPIHono, ports: Ports): void {
  addEndpoint(app, ports, {
    method: "get",
    path: "/runs/{run}/undo",
    tag: "undo",
    summary: "what would take back each call of a run, the newest first; the records are not looked at",
    need: "view",
    params: z.object({ run: nameSchema }),
    query: tenantQuery,
    body: nothing,
    answer: runUndoPlanSchema,
    handle: async ({ principal, params: { run }, query }) => {
      const { tenant, plan } = await runOf(ports, principal, query.tenant, run);
      return { tenant, run, calls: plan.map((looked) => viewProposal(ports.policy(), principal, looked, undefined)) };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/runs/{run}/undo",
    tag: "undo",
    summary: "takes back the calls of a run, the newest first, until one does not go through",
    need: "view",
    params: z.object({ run: nameSchema }),
    query: tenantQuery,
    body: z.strictObject({ reason }),
    answer: runUndoneSchema,
    handle: async ({ principal, params: { run }, query, body }) => {
      const { tenant, plan } = await runOf(ports, principal, query.tenant, run);
      const calls = plan.map(({ call }) => call);
      const steps = await undoRun(ports.undo, tenant, calls, askerOf(principal, body.reason));
      const policy = ports.policy();
      const looked = new Map(plan.map((each) => [each.call.callId, each]));
      return {
        tenant,
        run,
        complete: steps.every(({ state }) => state === "undone" || state === "skipped"),
        steps: steps.map((step) => viewStep(policy, principal, step, looked.get(step.call))),
      };
    },
  });
}

/** @throws Problem `not_found`, `role_required`. */
async function callOf(ports: Ports, principal: Principal, callId: string): Promise<Looked> {
  const looked = await findAmong(principal.tenants, (tenant) => lookAtUndo(ports.undo, tenant, callId));
  if (looked === undefined) throw notFound("call", callId, "bailiwick audit query");
  requireMayUndo(ports.policy(), principal, [looked.call.agent]);
  return looked;
}

/** @throws Problem `not_found`, `role_required`, `malformed_request`. */
async function runOf(
  ports: Ports,
  principal: Principal,
  asked: string | undefined,
  run: string,
): Promise<{ readonly tenant: string; readonly plan: readonly Looked[] }> {
  const found = await findAmong(tenantsOf(principal, asked), async (tenant) => {
    const known = await ports.log.query(tenant, { run, limit: 1 });
    return known.length === 0 ? undefined : { tenant, calls: await callsToUndo(ports.log, tenant, run) };
  });
  if (found === undefined) throw notFound("run", run, "bailiwick audit query");
  const { tenant, calls } = found;
  if (calls === undefined)
    throw new Problem("malformed_request", `the run has more than ${MAX_CALLS_IN_RUN} calls that changed something`, [
      "undo its calls one by one: `bailiwick undo <call>`",
    ]);
  const plan = await planRun(ports.undo, tenant, calls);
  requireMayUndo(ports.policy(), principal, [...new Set(plan.map(({ call }) => call.agent))]);
  return { tenant, plan };
}

/** Operators, owners of the company, and whoever owns the agents; never an auditor. @throws Problem `role_required`. */
function requireMayUndo(policy: Policy, principal: Principal, agents: readonly string[]): void {
  if (principal.kind === "operator") return;
  const { person } = principal;
  const readOnly = readOnlyProblem(person);
  if (readOnly !== undefined) throw readOnly;
  if (person.roles.some((role) => role === "operator" || role === "owner")) return;
  if (agents.length > 0 && agents.every((agent) => ownersOf(policy, [agent]).includes(person.id))) return;
  throw new Problem("role_required", `\`${person.id}\` is no operator or owner, and does not own the agent whose call this is`, [
    "ask an operator, or the owner of the agent",
  ]);
}

function askerOf(principal: Principal, words: string | undefined): Asker {
  return { by: doerOf(principal), via: viaOf(principal), ...(words === undefined ? {} : { reason: words }) };
}

function viewProposal(
  policy: Policy,
  principal: Principal,
  looked: Looked,
  preview: UndoPreview | undefined,
): z.input<typeof undoProposalSchema> {
  const { tenant, callId, action } = looked.call;
  const about = { tenant, call: callId, ...(action === undefined ? {} : { action }) };
  if (!looked.possible) return { ...about, possible: false, code: looked.code, message: looked.message };
  const { proposal } = looked;
  const { operation, scope, effect } = proposal.action;
  const denied = preview?.message === undefined ? {} : { denied: { code: preview.code, message: preview.message } };
  return {
    ...about,
    possible: true,
    undo: {
      operation,
      action: scope,
      effect,
      args: shownArguments(policy, principal, looked),
      notRestored: [...proposal.notRestored],
      changes: viewChanges(policy, principal, looked, preview?.changes ?? changesOf(proposal, undefined)),
      ...(preview === undefined ? {} : { verdict: preview.verdict, ...denied }),
    },
  };
}

function viewStep(
  policy: Policy,
  principal: Principal,
  step: RunStep,
  looked: Looked | undefined,
): z.input<typeof runUndoneSchema>["steps"][number] {
  const about = { call: step.call, ...(step.action === undefined ? {} : { action: step.action }), state: step.state };
  switch (step.state) {
    case "not_tried":
      return about;
    case "undone":
      return { ...about, undo: step.undo };
    case "pending":
      return { ...about, undo: step.undo, approval: step.approval, approvers: [...step.approvers] };
    case "skipped":
    case "impossible":
      return { ...about, code: step.code, message: step.message };
    case "refused":
    case "changed":
    case "failed":
    case "unknown": {
      const { undo, code, message } = step;
      const changes = "changes" in step ? step.changes : undefined;
      const shown = changes === undefined || looked?.possible !== true ? {} : { changes: viewChanges(policy, principal, looked, changes) };
      return { ...about, ...(undo === undefined ? {} : { undo }), ...(code === undefined ? {} : { code }), message, ...shown };
    }
  }
}

/** Values whose labels the policy reveals to others only are masked, as they are in approvals. */
function viewChanges(
  policy: Policy,
  principal: Principal,
  { kept }: Pick<Undoable, "kept">,
  changes: readonly ThreeWayChange[],
): NonNullable<z.input<typeof undoneSchema>["changes"]> {
  const concealed = concealedFrom(policy, { operation: kept.operation }, principal);
  return changes.map(({ path, before, after, now, conflict }) => ({
    path,
    ...(before === undefined ? {} : { before: concealed.value(path, before) }),
    ...(after === undefined ? {} : { after: concealed.value(path, after) }),
    ...(now === undefined ? {} : { now: concealed.value(path, now) }),
    conflict,
  }));
}
