import { type Span, SpanKind, type Tracer } from "@opentelemetry/api";
import type { Policy } from "@bailiwick/policy";
import type { CallPorts } from "../../call/ports.ts";
import type { AuditLog, LogEntry } from "../../domain/audit.ts";
import type { CallCredentials } from "../../domain/credential.ts";
import type { ToolConnection } from "../../domain/tool.ts";
import { contextOf, currentSpan, failed, step } from "./traces-context.ts";
import { BAILIWICK, FROM_RECORD } from "./traces-names.ts";
import { requestAttributes, requestName } from "./traces-operation.ts";

/** The same ports, with a span around each use that takes time. Uses outside of a traced call are passed on as they are. */
export function tracedPorts(tracer: Tracer, ports: CallPorts): CallPorts {
  const { senders, sessions, approvals, elevations, tools } = ports;
  return {
    ...ports,
    senders: { verify: (presented, now) => step(tracer, "authenticate", {}, () => senders.verify(presented, now)) },
    sessions: { find: (...about) => step(tracer, "load session", {}, () => sessions.find(...about)) },
    approvals: { ...approvals, wait: (...about) => step(tracer, "wait for approval", {}, () => approvals.wait(...about)) },
    elevations: { ...elevations, wait: (...about) => step(tracer, "wait for elevation", {}, () => elevations.wait(...about)) },
    log: tracedLog(tracer, ports.log),
    credentials: tracedCredentials(tracer, ports.credentials),
    tools: {
      known: (key) => tools.known(key),
      connect: async (key, equipment) => {
        if (currentSpan() === undefined) return tools.connect(key, equipment);
        const about = { attributes: { [BAILIWICK.tool]: key.tool } };
        return tracedConnection(tracer, ports.policy, await step(tracer, "connect", about, () => tools.connect(key, equipment)));
      },
    },
  };
}

function tracedLog(tracer: Tracer, log: AuditLog): AuditLog {
  const recording = <T>(entry: LogEntry, write: () => Promise<T>): Promise<T> => {
    tell(currentSpan(), entry);
    return step(tracer, `record ${entry.kind}`, { attributes: { [BAILIWICK.record]: entry.kind } }, write);
  };
  return {
    ...log,
    intend(tenant, entry, conditions) {
      // The log asks for the other entry while it writes a batch, which may run on behalf of another call.
      const own = currentSpan();
      const instead: typeof conditions.instead = (why) => {
        const other = conditions.instead(why);
        tell(own, other);
        return other;
      };
      return recording(entry, () => log.intend(tenant, entry, { ...conditions, instead }));
    },
    append: (tenant, entry) => recording(entry, () => log.append(tenant, entry)),
  };
}

/** What is recorded of a call is what its span says, so that the two cannot tell different stories. */
function tell(span: Span | undefined, { callId, body }: LogEntry): void {
  if (span === undefined) return;
  span.setAttribute(BAILIWICK.callId, callId);
  for (const [member, name] of Object.entries(FROM_RECORD)) {
    const value = body[member];
    if (typeof value === "string") span.setAttribute(name, value);
  }
}

function tracedCredentials(tracer: Tracer, credentials: CallCredentials): CallCredentials {
  return { ...credentials, open: (...about) => step(tracer, "open credential", {}, () => credentials.open(...about)) };
}

function tracedConnection(tracer: Tracer, policy: () => Policy, connection: ToolConnection): ToolConnection {
  const { tool } = connection.key;
  return {
    ...connection,
    invoke: (operation, args, options) => {
      const connect = policy().tools.find((each) => each.tool === tool)?.connect;
      const about = { kind: SpanKind.CLIENT, attributes: { [BAILIWICK.tool]: tool, ...requestAttributes(operation, connect) } };
      return step(tracer, requestName(operation, connect), about, async (span) => {
        const result = await connection.invoke(operation, args, span === undefined ? options : { ...options, trace: contextOf(span) });
        if (span !== undefined && result["isError"] === true) failed(span, "tool_error");
        return result;
      });
    },
  };
}
