import type { CatalogAction, CatalogTool } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, Equipment } from "../../domain/tool.ts";
import type { HttpTarget } from "./address.ts";
import { connectHttpTool } from "./connect.ts";

/** How long an API may take to show whether it takes a credential. */
const PROBE_TIMEOUT_MS = 10_000;
const MAX_PROBE_BYTES = 1024 * 1024;

/** The first reviewed read that needs no argument: an API's credential can be tried with nothing else, because nothing else is without effect. */
export function probeOf(tool: CatalogTool): CatalogAction | undefined {
  return tool.actions.find(
    ({ effect, request, args, force }) =>
      effect === "read" &&
      request?.method === "GET" &&
      Object.keys(request.params).length === 0 &&
      Object.keys(force).length === 0 &&
      Object.keys(args).every((name) => name.endsWith("?")),
  );
}

/** Uses a credential for one read. @throws Fault when it is not taken, or the tool has no such read. */
export async function tryHttpCredential(key: ConnectionKey, tool: CatalogTool, connect: HttpTarget, equipment: Equipment): Promise<void> {
  const probe = probeOf(tool);
  if (probe === undefined) throw new Fault("tool_unavailable", `\`${key.tool}\` has no read without arguments to try a credential with`);
  const connection = connectHttpTool(key, tool, connect);
  const io = {
    signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    capabilities: {},
    progress: () => undefined,
    log: () => undefined,
    ask: () => Promise.reject(new Fault("agent_cannot_answer", "nobody asked for this read")),
  };
  try {
    const result = await connection.invoke(probe.operation, {}, { timeoutMs: PROBE_TIMEOUT_MS, maxBytes: MAX_PROBE_BYTES, equipment, io });
    if (result["isError"] === true)
      throw new Fault("tool_unavailable", `\`${key.tool}\` answered the read \`${probe.operation.name}\` with an error`);
  } finally {
    await connection.close();
  }
}
