import type { IncomingMessage, ServerResponse } from "node:http";
import { askFor, isElevationTicket, ownElevation } from "../../call/elevate.ts";
import type { CallPorts } from "../../call/ports.ts";
import { Refusal } from "../../call/refusal.ts";
import { resolveSession } from "../../call/resolve-session.ts";
import type { Approval } from "../../domain/approval.ts";
import type { Elevation } from "../../domain/elevation.ts";
import type { OAuthEntityStore } from "../../domain/oauth-entity.ts";
import type { Session } from "../../domain/session.ts";
import { presentedBy } from "../mcp/authenticate.ts";
import { readJson } from "../mcp/body.ts";
import { bodyMatches } from "../sender-proof/http-signature.ts";
import { proofInvalid } from "../sender-proof/refused.ts";
import { deniedEvaluation } from "./denied-evaluation.ts";
import { AccessRequestProblem, type Answer, failureAnswer, send } from "./problems.ts";
import { remembered } from "./idempotency.ts";
import { readSubmission } from "./submission.ts";
import { viewTask } from "./task.ts";

/**
 * Drafts of the OpenID AuthZEN "Access Request and Approval Profile" that this version speaks. `draft-1` is the working group's first, of June 2026:
 * submissions of one item, tasks to be polled, completion by re-evaluation. No catalogs, callbacks, bundles or cancellation.
 */
export const ACCESS_REQUEST_DRAFTS = ["draft-1"] as const;

export interface AccessRequestPorts extends CallPorts {
  /** The broker's public URL without a trailing slash. */
  readonly issuer: string;
  readonly entities: Pick<OAuthEntityStore, "find" | "putNew">;
}

export interface AccessRequests {
  owns(path: string): boolean;
  handle(req: IncomingMessage, res: ServerResponse): void;
}

const ENDPOINT = "/access/v1/requests";
const PATH = /^\/access\/v1\/requests(?:\/([A-Za-z0-9_-]{1,128}))?$/u;
/** A submission names one action and says why. */
const MAX_BODY_BYTES = 64 * 1024;
/** What a poller is told to wait. */
const RETRY_AFTER_S = "5";

/**
 * Access requests of agents, with their access token and proof as at `/mcp`: `POST /access/v1/requests` for a call that was refused or held, and
 * `GET /access/v1/requests/{id}` for what became of it. What was approved is found by the broker itself when the call is made again.
 */
export function createAccessRequests(ports: AccessRequestPorts): AccessRequests {
  return {
    owns: (path) => path === ENDPOINT || path.startsWith(`${ENDPOINT}/`),
    handle: (req, res) => {
      void answer(ports, req)
        .catch((failure: unknown) => failureAnswer(failure, ports.onFault ?? ignore))
        .then((done) => send(res, req.complete ? done : { ...done, headers: { ...done.headers, connection: "close" } }));
    },
  };
}

function ignore(): void {
  // Nobody wants to hear of faults.
}

async function answer(ports: AccessRequestPorts, req: IncomingMessage): Promise<Answer> {
  const path = (req.url ?? "").split("?", 1)[0] ?? "";
  const [matched, id] = PATH.exec(path) ?? [];
  if (matched === undefined) throw new AccessRequestProblem("unknown_task", `there is nothing here; use \`${ENDPOINT}\``);
  const presented = presentedBy(req, `${ports.issuer}${path}`);
  const session = await resolveSession(ports, await ports.senders.verify(presented, ports.now()));
  if (req.method === "GET" && id !== undefined) return answered(ports, await taskOf(ports, session, id), 200);
  if (req.method !== "POST" || id !== undefined) {
    const allow = id === undefined ? "POST" : "GET";
    return {
      status: 405,
      headers: { allow, "content-type": "application/problem+json" },
      body: { title: "method not allowed", status: 405, detail: `use ${allow}` },
    };
  }
  const body = await readJson(req, MAX_BODY_BYTES, (bytes) => {
    if (session.binding.kind === "hmac" && !bodyMatches(presented, bytes))
      throw proofInvalid("the body is not the one that `content-digest` names; send exactly what was signed");
  });
  const key = req.headers["idempotency-key"];
  const task = await remembered(ports, session, typeof key === "string" ? key : undefined, body, {
    again: (known) => taskOf(ports, session, known),
    first: () => submit(ports, session, body, { peer: req.socket.remoteAddress ?? "unknown" }),
  });
  return answered(ports, task, 202);
}

/** A question to people, in the form of a task. */
type Question = Approval | Elevation;

async function submit(ports: AccessRequestPorts, session: Session, body: unknown, call: { readonly peer: string }): Promise<Question> {
  const submission = readSubmission(body, session, ports.now());
  const denied = await deniedEvaluation(ports, session, submission);
  if (denied.what === "held") return denied.approval;
  const { reason, minutes } = submission;
  return askFor(ports, session, { scope: [denied.scope], reason, ...(minutes === undefined ? {} : { minutes }) }, call);
}

/** @throws AccessRequestProblem `unknown_task`, with the same words for another's. */
async function taskOf(ports: AccessRequestPorts, session: Session, id: string): Promise<Question> {
  if (isElevationTicket(id)) {
    return ownElevation(ports, session, id).catch((failure: unknown) => {
      throw failure instanceof Refusal && failure.code === "approval_unknown" ? unknown(id) : failure;
    });
  }
  const approval = await ports.approvals.find(session.tenant, id);
  const own =
    approval !== undefined && approval.agent === session.agent && approval.user === session.user && approval.task === session.task;
  if (approval === undefined || !own) throw unknown(id);
  return approval;
}

function unknown(id: string): AccessRequestProblem {
  return new AccessRequestProblem("unknown_task", `there is no task \`${id}\` of this agent, user and task`);
}

function answered({ issuer }: AccessRequestPorts, question: Question, pending: 200 | 202): Answer {
  const { status, endpoint, body } = viewTask(question, `${issuer}${ENDPOINT}`, issuer);
  const waits = status === "pending";
  return {
    status: pending === 202 ? (waits ? 202 : 201) : 200,
    body,
    headers: { ...(pending === 202 ? { location: endpoint } : {}), ...(waits ? { "retry-after": RETRY_AFTER_S } : {}) },
  };
}
