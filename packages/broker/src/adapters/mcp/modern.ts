import type { JsonObject } from "@bailiwick/policy";
import type { Presented } from "../../call/presented.ts";
import { MODERN_VERSION, RPC, TASKS_EXTENSION, isObject, objectAt, resultMessage, stringAt } from "../mcp-protocol/index.ts";
import { APPROVAL_WAIT } from "./approval-wait.ts";
import { inputResponses } from "./asks.ts";
import type { EndpointContext, ModernRequest } from "./context.ts";
import { failureOf } from "./failure.ts";
import type { Listeners } from "./listen.ts";
import { INSTRUCTIONS, answerList, serverCapabilities, toolsOf } from "./listing.ts";
import { answerModernCall } from "./modern-call.ts";
import { finishModern } from "./modern-result.ts";
import { askedBy } from "./operation.ts";
import { hasParamHeaders } from "./param-headers.ts";
import { REQUEST_ELEVATION } from "./request-elevation.ts";
import { RpcFault } from "./rpc-fault.ts";
import type { Task } from "./tasks.ts";

/** Answers one request of revision 2026-07-28. Never throws. */
export async function answerModern(context: EndpointContext, listeners: Listeners, request: ModernRequest): Promise<void> {
  try {
    const result = await dispatch(context, listeners, request);
    if (result !== undefined) request.reply.end(resultMessage(request.id, finishModern(context.settings, request.method, result)));
  } catch (error) {
    const failure = failureOf(context.settings, request.id, request.presented.token !== undefined, error);
    request.reply.end(failure.message, failure.status, failure.headers);
  }
}

/** Returns undefined when the answer comes later, through the reply. */
async function dispatch(context: EndpointContext, listeners: Listeners, request: ModernRequest): Promise<JsonObject | undefined> {
  const asked = askedBy(request.method, request.params);
  if (asked !== undefined) {
    if (request.method === "tools/call") await checkParamHeaders(context, request);
    answerModernCall(context, request, asked);
    return undefined;
  }
  const listed = await answerList(context, request, request.method, request.params);
  if (listed !== undefined) return listed;
  switch (request.method) {
    case "server/discover":
      return discover(context, request);
    case "completion/complete":
      return complete(context, request);
    case "subscriptions/listen":
      await listeners.listen(request);
      return undefined;
    case "tasks/get":
      return getTask(taskOf(context, request), request.presented);
    case "tasks/update":
      return updateTask(context, request);
    case "tasks/cancel":
      taskOf(context, request).cancel();
      return {};
    default:
      throw new RpcFault(
        RPC.methodNotFound,
        `the method \`${request.method.slice(0, 100)}\` does not exist in revision ${MODERN_VERSION}`,
        {
          status: 404,
          data: { code: "method_unknown" },
        },
      );
  }
}

async function discover(context: EndpointContext, request: ModernRequest): Promise<JsonObject> {
  const listing = await context.surface.list(request.presented);
  return {
    supportedVersions: [MODERN_VERSION],
    capabilities: { ...serverCapabilities(listing), extensions: { [TASKS_EXTENSION]: {} } },
    instructions: INSTRUCTIONS,
  };
}

async function complete(context: EndpointContext, request: ModernRequest): Promise<JsonObject> {
  const controller = new AbortController();
  request.reply.onGone(() => controller.abort());
  return context.surface.complete(request.presented, request.params, controller.signal);
}

function taskOf(context: EndpointContext, request: ModernRequest): Task {
  if (!isObject(objectAt(request.envelope.capabilities, "extensions")[TASKS_EXTENSION])) {
    throw new RpcFault(RPC.missingClientCapability, `the client declared no \`${TASKS_EXTENSION}\` extension; declare it in \`_meta\``, {
      status: 400,
      data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
    });
  }
  const id = stringAt(request.params, "taskId");
  const task = id === undefined ? undefined : context.tasks.find(request.principal, id);
  if (task === undefined)
    throw new RpcFault(RPC.invalidParams, "the task is unknown: it never existed, belongs to another agent or its time to live is over");
  return task;
}

function getTask(task: Task, presented: Presented): JsonObject {
  task.onPoll?.(presented);
  return task.detailed();
}

function updateTask(context: EndpointContext, request: ModernRequest): JsonObject {
  const task = taskOf(context, request);
  task.answer(inputResponses(request.params));
  return {};
}

/**
 * Headers that mirror arguments are compared with the body whenever the client was shown declarations or sends such headers;
 * a client that never listed the tools cannot know of them.
 */
async function checkParamHeaders(context: EndpointContext, request: ModernRequest): Promise<void> {
  const name = stringAt(request.params, "name") ?? "";
  if (name === APPROVAL_WAIT || name === REQUEST_ELEVATION) return;
  if (!context.paramHeaders.knows(request.principal)) {
    if (!hasParamHeaders(request.headers)) return;
    context.paramHeaders.learn(request.principal, toolsOf(await context.surface.list(request.presented)));
  }
  context.paramHeaders.check(request.principal, name, objectAt(request.params, "arguments"), request.headers);
}
