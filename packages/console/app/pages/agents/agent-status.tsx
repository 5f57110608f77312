import type { Schema } from "../../api/client.ts";
import { Badge } from "../../ui/badge.tsx";
import { Text } from "../../ui/untrusted.tsx";

/** Whether an agent may act, by word and shape, and what stops it. */
export function AgentStatus({ of: { status, stop } }: { readonly of: Pick<Schema<"Agent">, "status" | "stop"> }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2">
      <Badge tone={status === "active" ? "allow" : "deny"}>
        <span aria-hidden="true">{status === "active" ? "●" : "■"}</span> {status}
      </Badge>
      {stop === undefined ? undefined : (
        <span className="text-soft">
          {stop.kind === "agent" ? "" : `${stop.kind}: `}
          <Text>{stop.reason}</Text>
        </span>
      )}
    </span>
  );
}
