import type { Policy } from "@bailiwick/policy";
import type { Metrics } from "./adapters/telemetry/metrics.ts";
import { entryFor } from "./call/names.ts";
import type { AgentSurface } from "./call/surface.ts";
import type { CallAnswer } from "./call/types.ts";

/** The same surface, counting what became of each call. Labels come from the catalog, never from the agent. */
export function measured(surface: AgentSurface, metrics: Pick<Metrics, "call">, policy: () => Policy): AgentSurface {
  return {
    ...surface,
    async handle(call) {
      const from = performance.now();
      const answer = await surface.handle(call);
      const tool = entryFor(policy(), call.kind, call.name)?.tool.tool ?? "none";
      metrics.call({ ...labelsOf(answer), tool, durationMs: performance.now() - from });
      return answer;
    },
  };
}

function labelsOf(answer: CallAnswer): { readonly verdict: "allow" | "ask" | "deny"; readonly code: string } {
  switch (answer.kind) {
    case "result":
      return { verdict: "allow", code: "ok" };
    case "tool_error":
    case "unknown":
      return { verdict: "allow", code: answer.kind };
    case "pending":
    case "pending_elevation":
      return { verdict: "ask", code: "pending" };
    case "refused":
      return { verdict: "deny", code: answer.code };
  }
}
