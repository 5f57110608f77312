import { Fault } from "../domain/fault.ts";
import type { ToolConnection } from "../domain/tool.ts";
import type { Intent } from "./intend.ts";
import { settleUnsent } from "./record.ts";
import type { CallPorts } from "./ports.ts";
import { equip, type Equipped, lineFor } from "./upstream.ts";

/** A call with everything it needs on the wire. */
export interface EquippedCall {
  readonly intent: Intent;
  readonly equipped: Equipped;
  readonly connection: ToolConnection;
}

/**
 * Opens the credential for this one call, in the version its intent names, and takes the connection it goes out on.
 * The agent never sees either.
 * @throws Refusal `credential_unavailable`, `tool_unavailable`: nothing was sent, the outcome says so, limits are given back.
 */
export async function inject(ports: CallPorts, intent: Intent): Promise<EquippedCall> {
  const { call } = intent.permit;
  try {
    const equipped = await equip(ports, call.tool, call.connection, { version: intent.credential?.version, session: call.session });
    const connection = await lineFor(ports, call.tool, call.connection, equipped);
    return { intent, equipped, connection };
  } catch (failure) {
    if (failure instanceof Fault) throw await settleUnsent(ports, intent, failure);
    throw failure;
  }
}
