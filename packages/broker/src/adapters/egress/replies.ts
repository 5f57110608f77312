import { STATUS_CODES } from "node:http";
import type { JsonObject } from "@bailiwick/policy";
import type { RefusalCode } from "../../call/refusal.ts";
import type { CallAnswer } from "../../call/types.ts";

/** What a client is told instead of being let through: a status, and a small JSON body. */
export interface Reply {
  readonly status: number;
  readonly body: JsonObject;
}

export function reply(status: number, code: string, detail: string, more: JsonObject = {}): Reply {
  return { status, body: { code, detail, ...more } };
}

/** Of a call that opened no line. */
export function replyTo(answer: CallAnswer): Reply {
  switch (answer.kind) {
    case "refused":
      return refused(answer);
    case "pending": {
      const { id, approvers, expiresAt } = answer.approval;
      const detail = `a person has to agree first (${approvers.join(", ")}, until ${expiresAt.toISOString()}); try again once they have`;
      return reply(403, "pending", detail, { callId: answer.callId, ticket: id });
    }
    case "unknown":
      return reply(502, "unknown", answer.message, { callId: answer.callId });
    case "tool_error":
    case "result":
    case "pending_elevation":
      return reply(502, "internal_fault", "no line was opened; the operator's log says why", { callId: answer.callId });
  }
}

export function refused(
  answer: Pick<Extract<CallAnswer, { kind: "refused" }>, "code" | "message" | "rules"> & { readonly callId?: string | undefined },
): Reply {
  const { code, message, callId, rules } = answer;
  const detail = code.startsWith("proof_") ? `${message}; ${UNPROVABLE}` : message;
  return reply(STATUS[code] ?? 403, code, detail, {
    ...(callId === undefined ? {} : { callId }),
    ...(rules.length === 0 ? {} : { rules: rules.map(({ kind, id, reason }) => ({ kind, id, reason })) }),
  });
}

const UNPROVABLE =
  "a client of a proxy proves nothing but its token, so a session that is bound to a key or certificate cannot use it: open one without binding for this";

/** 407 where another token helps, 5xx where a part failed; 403, for all others, where policy or people say no. */
const STATUS: Partial<Record<RefusalCode, number>> = {
  unauthenticated: 407,
  token_expired: 407,
  tool_unavailable: 502,
  log_unavailable: 503,
  store_unavailable: 503,
  internal_fault: 503,
  rate_limited: 429,
  too_many_at_once: 429,
  call_repeated: 429,
};

/** The headers of a reply; a client that was not let in is asked for its token (RFC 9110 section 11.7.1). */
export function headersOf({ status, body }: Reply): Readonly<Record<string, string>> {
  return {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(JSON.stringify(body))),
    "bailiwick-code": String(body["code"]),
    connection: "close",
    ...(status === 407 ? { "proxy-authenticate": 'Basic realm="bailiwick"' } : {}),
  };
}

/** A reply as it goes on the wire of a CONNECT, which Node leaves to us. */
export function wireText(answer: Reply): string {
  const lines = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`,
    ...Object.entries(headersOf(answer)).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${JSON.stringify(answer.body)}`;
}
