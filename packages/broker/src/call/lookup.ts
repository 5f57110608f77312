import { findAction, type JsonObject, type ResourceFacts } from "@bailiwick/policy";
import { MAX_RESULT_BYTES } from "./result-limit.ts";
import { beginRead } from "./begin-read.ts";
import { said } from "./record-body.ts";
import { entryFor, visibleName } from "./names.ts";
import type { CallPorts } from "./ports.ts";
import { readPath, textAt } from "./paths.ts";
import { reviewedFingerprint } from "./identify.ts";
import { Refusal } from "./refusal.ts";
import { elevationsBody } from "./stands-on.ts";
import { structuredOf } from "./structured.ts";
import { toolCaller } from "./tool-caller.ts";
import { traceOf } from "./trace-of.ts";
import type { DecidedCall } from "./types.ts";
import { equip, lineFor, noteRefused } from "./upstream.ts";

/**
 * Loads the record a call is about, through the catalog's read action, with the broker's own credential.
 * It is a read the broker makes for itself: recorded durably before it happens, never shown to the agent.
 * @throws Refusal `row_not_permitted` when there is no such record, `tool_unreviewed`, `session_revoked`; Fault when the tool cannot be reached.
 */
export async function lookup(ports: CallPorts, call: DecidedCall): Promise<ResourceFacts> {
  const { resource } = call.action;
  const entry = resource?.before === undefined ? undefined : entryNamed(call, resource.before);
  if (resource === undefined || entry === undefined) throw new Error("lookup needs a catalogued read action; `check` guarantees it");
  await reviewedFingerprint(ports, entry, call.connection);
  const args = lookupArguments(call);
  const equipped = await equip(ports, call.tool, call.connection, { session: call.session });
  const own = said(ports, call, {
    action: entry.action.scope,
    operation: entry.action.operation.name,
    ...elevationsBody(call.decision),
    ...(equipped.credential === undefined ? {} : { credential: { ...equipped.credential } }),
  });
  // The call's own intent spends its proof and draws its limits.
  await beginRead(ports, call, { kind: "lookup", callId: call.callId, ...own, facts: { lookup: args } }, { reservations: [] });
  const connection = await lineFor(ports, call.tool, call.connection, equipped);
  const result = await connection
    .invoke(entry.action.operation, args, {
      timeoutMs: entry.action.timeoutMs,
      maxBytes: MAX_RESULT_BYTES,
      equipment: equipped.equipment,
      io: { ...call.incoming.io, capabilities: {}, progress() {}, log() {}, ask: () => Promise.reject(new Error("a lookup asks nobody")) },
      caller: toolCaller(call.caller),
      trace: traceOf(call.incoming),
    })
    .catch((failure: unknown) => {
      throw noteRefused(ports, call.tool, { ...call.connection, session: call.session }, failure);
    });
  const attributes = recordIn(result, entry.action.returns?.at ?? "result");
  const id = textAt({ args: call.args }, resource.id);
  if (attributes === undefined || id === undefined) {
    throw new Refusal("row_not_permitted", `there is no ${resource.type} \`${id ?? "?"}\` that this agent may touch`);
  }
  return { type: resource.type, id, attributes };
}

function entryNamed(call: DecidedCall, name: string): { tool: DecidedCall["tool"]; action: DecidedCall["action"] } | undefined {
  const action = findAction(call.policy, { tool: call.tool.tool, kind: "tool", name });
  if (action === undefined) return undefined;
  return entryFor(call.policy, "tool", visibleName(call.policy, action));
}

function lookupArguments(call: DecidedCall): JsonObject {
  const wanted = call.action.resource?.beforeArgs ?? { id: call.action.resource?.id ?? "args.id" };
  return Object.fromEntries(
    Object.entries(wanted).flatMap(([name, path]) => {
      const value = readPath({ args: call.args }, path);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function recordIn(result: JsonObject, at: string): JsonObject | undefined {
  if (result["isError"] === true) return undefined;
  const found = readPath({ result: structuredOf(result) ?? null }, at);
  return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as JsonObject) : undefined;
}
