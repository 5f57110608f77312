import { Fault } from "../../domain/fault.ts";
import { readChallenge } from "./challenge.ts";
import { HttpStatusFault } from "./wire.ts";

/** An error of the socket: before the request could leave it is `tool_unavailable`, afterwards the outcome is not known. */
export function networkFault(tool: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof Fault) return error;
  const code = codeOf(error);
  if (NEVER_SENT.has(code) || code.startsWith("ERR_TLS") || code.startsWith("CERT_") || code.endsWith("_SIGNED_CERT")) {
    const message = `the tool \`${tool}\` cannot be reached (${code}); nothing was sent; check that its server runs and its address in the policy folder`;
    return new Fault("tool_unavailable", message, { cause: error });
  }
  const message = `the connection to the tool \`${tool}\` broke (${code || "no reason given"}) before its answer arrived; whether it acted is not known`;
  return new Fault("tool_lost", message, { cause: error });
}

/** An answer that is no JSON-RPC message. A 4xx says that nothing ran; of a 5xx nothing can be said. */
export function statusFault(tool: string, status: number, authenticate?: string | readonly string[]): HttpStatusFault {
  if (status === 401 || status === 403) {
    const message = `the server of the tool \`${tool}\` refused the broker's credential (HTTP ${status}); nothing ran; check the credential of this tool`;
    return new HttpStatusFault(status, "tool_unavailable", message, readChallenge(authenticate));
  }
  if (status >= 300 && status < 400) {
    const message = `the server of the tool \`${tool}\` answered with a redirect (HTTP ${status}), which is not followed; write the final address in the policy folder`;
    return new HttpStatusFault(status, "tool_unavailable", message);
  }
  if (status >= 400 && status < 500) {
    return new HttpStatusFault(
      status,
      "tool_unavailable",
      `the server of the tool \`${tool}\` refused the request (HTTP ${status}); nothing ran`,
    );
  }
  const message = `the server of the tool \`${tool}\` answered HTTP ${status} without an MCP message; whether it acted is not known`;
  return new HttpStatusFault(status, "tool_lost", message);
}

const NEVER_SENT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_DESTROYED",
  "UND_ERR_CLOSED",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UND_ERR_INVALID_ARG",
]);

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
