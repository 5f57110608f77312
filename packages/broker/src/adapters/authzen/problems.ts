import type { ServerResponse } from "node:http";
import { Refusal, type RefusalCode } from "../../call/refusal.ts";
import { Fault } from "../../domain/fault.ts";
import { RpcFault } from "../mcp/rpc-fault.ts";

/** Problem types of the profile's section on error responses, and one of our own for a body that is no submission. */
const PROBLEMS = {
  not_requestable: { status: 400, title: "access is not requestable" },
  expired_denial: { status: 410, title: "the denial has expired" },
  invalid_denial_binding: { status: 400, title: "the request cannot be bound to a denied call" },
  duplicate_request: { status: 409, title: "the idempotency key was used for another request" },
  unknown_task: { status: 404, title: "there is no such task" },
  malformed_request: { status: 400, title: "the request is not well-formed" },
} as const;

type ProblemType = keyof typeof PROBLEMS;

const PROFILE = "urn:openid:authzen:access-request:error:";

/** What an agent is answered. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export function send(res: ServerResponse, { status, body, headers = {} }: Answer): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...headers,
    "content-length": Buffer.byteLength(text),
  });
  res.end(text);
}

/** Stops an access request. */
export class AccessRequestProblem extends Error {
  override readonly name = "AccessRequestProblem";
  readonly type: ProblemType;
  constructor(type: ProblemType, detail: string) {
    super(detail);
    this.type = type;
  }
}

/** The answer to a request that failed (RFC 9457). Only our own errors speak; anything else could carry a secret. */
export function failureAnswer(failure: unknown, onFault: (error: unknown) => void): Answer {
  if (failure instanceof AccessRequestProblem) {
    const { status, title } = PROBLEMS[failure.type];
    const type = failure.type === "malformed_request" ? "about:blank" : `${PROFILE}${failure.type}`;
    return problem(status, title, failure.message, { type });
  }
  if (failure instanceof Refusal) return ofRefusal(failure);
  if (failure instanceof RpcFault) return problem(failure.status, "the request is not well-formed", failure.message);
  onFault(failure);
  if (failure instanceof Fault)
    return problem(503, "a part of the broker does not answer", "nothing was asked of anybody; try again shortly", {
      headers: { "retry-after": "2" },
    });
  return problem(500, "the broker failed", "its operator finds the cause in the log");
}

const PROOF_CODES: ReadonlySet<RefusalCode> = new Set<RefusalCode>(["proof_invalid", "proof_replayed"]);
/** The request was understood; what it asks for cannot be had. */
const NOT_REQUESTABLE: ReadonlySet<RefusalCode> = new Set<RefusalCode>(["elevation_not_eligible", "malformed_request"]);

function ofRefusal({ code, message }: Refusal): Answer {
  if (NOT_REQUESTABLE.has(code)) return failureAnswer(new AccessRequestProblem("not_requestable", message), () => undefined);
  if (code === "rate_limited") return problem(429, "too many questions wait", message, { headers: { "retry-after": "60" }, code });
  const challenge = PROOF_CODES.has(code) ? 'DPoP error="invalid_dpop_proof"' : 'Bearer error="invalid_token"';
  return problem(401, "get a new token", message, { headers: { "www-authenticate": challenge }, code });
}

function problem(
  status: number,
  title: string,
  detail: string,
  {
    type = "about:blank",
    headers = {},
    code,
  }: { readonly type?: string; readonly headers?: Readonly<Record<string, string>>; readonly code?: string } = {},
): Answer {
  return {
    status,
    headers: { ...headers, "content-type": "application/problem+json" },
    body: { type, title, status, detail, ...(code === undefined ? {} : { code }) },
  };
}
