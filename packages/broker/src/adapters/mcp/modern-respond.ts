import type { JsonObject } from "@bailiwick/policy";
import type { Presented } from "../../call/presented.ts";
import type { CallAnswer, Waiting } from "../../call/types.ts";
import { RPC, errorMessage, isObject, resultMessage, stringAt } from "../mcp-protocol/index.ts";
import type { Shaped } from "./answers.ts";
import { isWaiting, pendingError, pendingFacts, pendingResult, REFUSED, shapeAnswer, waitingIn } from "./answers.ts";
import { asToolResult } from "./approval-wait.ts";
import { challenge, isAuthenticationCode, stepUp } from "./authenticate.ts";
import type { EndpointContext } from "./context.ts";
import { finishModern } from "./modern-result.ts";
import { wishedWaitMs } from "./operation.ts";
import { refusalData } from "./refusal-text.ts";
import type { Held } from "./request-state.ts";
import type { Running } from "./running-call.ts";
import { bindingOf, detach } from "./running-call.ts";
import { LAST_LEASE_ROUND } from "./settings.ts";

/** Answers the attached request: with the result, a refusal, the next leg of a lease, or the ticket. */
export function respond(running: Running, answer: CallAnswer): void {
  const waiting = stillWaiting(running, answer);
  if (waiting !== undefined) return void respondPending(running, waiting);
  const { context, request } = running;
  if (answer.kind === "refused" && isAuthenticationCode(answer.code) && !request.reply.started) {
    const headers = challenge(context.settings, request.presented.token !== undefined, answer);
    running.attached = false;
    return request.reply.end(errorMessage(request.id, RPC.invalidRequest, answer.message, { code: answer.code }), 401, headers);
  }
  const wider = answer.kind === "refused" && !request.reply.started ? stepUp(context.settings, request.session, answer) : undefined;
  if (wider !== undefined && answer.kind === "refused") {
    running.attached = false;
    return request.reply.end(errorMessage(request.id, REFUSED, answer.message, refusalData(answer)), 403, wider);
  }
  const shaped = shape(running, answer);
  if ("result" in shaped) {
    // The upstream does not get to say "task" or "input required" in our name.
    const result = { ...shaped.result, resultType: "complete" };
    return detach(running, (id) => resultMessage(id, finishModern(context.settings, request.method, result)));
  }
  const { code, message, data } = shaped.error;
  detach(running, (id) => errorMessage(id, code, message, data), code === RPC.missingClientCapability ? 400 : 200);
}

/** The same answer as a task keeps it. */
export function shape(running: Running, answer: CallAnswer): Shaped {
  const { asked, request } = running;
  if (isWaiting(answer)) return { error: pendingError(factsOf(running, waitingIn(answer))) };
  const tool = request.method === "tools/call";
  const shaped = shapeAnswer(answer, tool, asked.what === "operation" ? asked.name : (stringAt(request.params, "uri") ?? ""));
  return "result" in shaped && tool ? { result: asToolResult(shaped.result) } : shaped;
}

async function respondPending(running: Running, approval: Waiting): Promise<void> {
  const { context, request } = running;
  const facts = factsOf(running, approval);
  if (running.round < LAST_LEASE_ROUND && wishedWaitMs(request.params) === undefined) {
    const lease: Held = { kind: "lease", ticket: approval.id, round: running.round };
    const requestState = context.states.seal(lease, bindingOf(request), LEASE_STATE_TTL_MS);
    const result = { resultType: "input_required", requestState, _meta: { "bailiwick/pending": facts } };
    return detach(running, (id) => resultMessage(id, finishModern(context.settings, request.method, result)));
  }
  if (request.method !== "tools/call") {
    const { code, message, data } = pendingError(facts);
    return detach(running, (id) => errorMessage(id, code, message, data));
  }
  const strict = await hasOutputSchema(context, request);
  detach(running, (id) => resultMessage(id, finishModern(context.settings, request.method, pendingResult(facts, strict))));
}

/** A client retries a lease at once; this leaves room for a slow one. */
const LEASE_STATE_TTL_MS = 10 * 60_000;

function factsOf(running: Running, approval: Waiting): ReturnType<typeof pendingFacts> {
  const { settings } = running.context;
  return pendingFacts(approval, settings.approvalUrl(approval.id), settings.durations.retryAfterMs);
}

/** Whether the tool was shown with an output schema; asked only when a call stays pending, which is rare. */
export async function hasOutputSchema(
  context: EndpointContext,
  request: { readonly presented: Presented; readonly params: JsonObject },
): Promise<boolean> {
  try {
    const { tools } = await context.surface.list(request.presented);
    const name = stringAt(request.params, "name");
    return tools.some((tool) => tool["name"] === name && isObject(tool["outputSchema"]));
  } catch {
    return false;
  }
}

/** The question of a call that goes on waiting: nobody answered yet, or the token of this leg ran out before the effect. */
export function stillWaiting(running: Running, answer: CallAnswer): Waiting | undefined {
  if (isWaiting(answer)) return waitingIn(answer);
  return answer.kind === "refused" && answer.code === "token_expired" ? running.waiting : undefined;
}
