import type { Dispatcher } from "undici";
import { ClientError } from "./client-error.ts";
import type { Json, JsonObject } from "./json.ts";
import { isObject, parseJson } from "./json.ts";
import type { BrokerSession } from "./session.ts";
import { reasonIn } from "./session-token.ts";
import { readAll, sendAuthorized } from "./upstream.ts";

/** A living session that was passed on from this one, at any depth. */
export interface DelegatedSession {
  readonly session: string;
  readonly agent: string;
  readonly task: string;
  readonly scope: readonly string[];
  /** Ids of the sessions it was passed on from, the root first. */
  readonly lineage: readonly string[];
  readonly expiresAt: Date;
}

/** The broker lists at most some hundred sessions. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** @throws ClientError `session_refused`, `answer_unreadable`; what `authorize` throws. */
export async function listDelegated(session: BrokerSession, dispatcher: Dispatcher): Promise<readonly DelegatedSession[]> {
  const { sessions } = await ask(session, dispatcher, "GET", "");
  if (!Array.isArray(sessions)) throw unreadable();
  return sessions.filter(isObject).map(delegatedIn);
}

/** Ids of what ended. @throws ClientError `session_refused`; what `authorize` throws. */
export async function endDelegated(session: BrokerSession, dispatcher: Dispatcher, id: string): Promise<readonly string[]> {
  return texts((await ask(session, dispatcher, "DELETE", `/${encodeURIComponent(id)}`))["ended"]);
}

async function ask(session: BrokerSession, dispatcher: Dispatcher, method: "GET" | "DELETE", path: string): Promise<JsonObject> {
  const url = `${session.url}/oauth/sessions${path}`;
  const answer = await sendAuthorized(session, { method, url, headers: { accept: "application/json" }, dispatcher });
  const body = parseJson((await readAll(answer.body, MAX_ANSWER_BYTES)).toString("utf8"));
  if (!isObject(body)) throw unreadable();
  if (answer.status === 200) return body;
  throw new ClientError(
    "session_refused",
    `the broker refused: ${reasonIn(body, answer.status)}`,
    "look which sessions were passed on from this one",
  );
}

function delegatedIn({ session, agent, task, scope, lineage, expires_at: expiresAt }: JsonObject): DelegatedSession {
  return {
    session: text(session),
    agent: text(agent),
    task: text(task),
    scope: text(scope)
      .split(" ")
      .filter((name) => name !== ""),
    lineage: texts(lineage),
    expiresAt: new Date(text(expiresAt)),
  };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function unreadable(): ClientError {
  return new ClientError(
    "answer_unreadable",
    "the broker's answer about passed-on sessions cannot be read",
    "is it a Bailiwick broker of this version?",
  );
}
