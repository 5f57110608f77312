import {
  authorize,
  authorizeIn,
  CedarRecord,
  compilePolicies,
  openSession,
  readEntities,
  readEntity,
  readRequest,
} from "../../packages/policy/src/cedar/index.ts";
import type { Answer, CedarSession, Policies, Request } from "../../packages/policy/src/cedar/index.ts";
import { actionEntities, agentEntities, cedarCall, cedarPolicies, recordEntity } from "./cedar-form.ts";
import type { CedarCall } from "./cedar-form.ts";
import type { InProcess } from "./contender.ts";
import type { Question, Workload } from "./workload.ts";

export const LOADED = "bailiwick, entities loaded";
export const CONTEXT_EACH_CALL = "bailiwick, entities loaded, context from JSON";
export const JSON_EACH_CALL = "bailiwick, entities and context from JSON";
export const SESSION = "bailiwick, session-compiled";
const SESSION_JSON = "bailiwick, session-compiled, record and context from JSON";

/** @throws Error with the first faults when Cedar does not accept the texts. */
export function compile(staticPolicies: Record<string, string>): Policies {
  const compilation = compilePolicies({ staticPolicies });
  if (!compilation.ok) throw new Error(`bailiwick does not accept the policies: ${JSON.stringify(compilation.errors).slice(0, 500)}`);
  return compilation.policies;
}

/** The question read once, to be put to any policies. */
export function readCall(call: CedarCall): (policies: Policies) => boolean {
  const request = readRequest(call);
  const entities = readEntities(call.entities);
  return (policies) => authorize(policies, request, entities).decision === "allow";
}

/** The compiled engine in the ways a host can use it. */
export function bailiwick(workload: Workload): readonly InProcess[] {
  const texts = cedarPolicies(workload);
  const started = performance.now();
  const policies = compile(texts);
  const loadMs = performance.now() - started;
  const sessionOf = sessionsOf(policies);
  const calls = workload.questions.map((question) => {
    const [call, record] = [cedarCall(question), recordEntity(question)];
    const [request, entities] = [readRequest(call), readEntities(call.entities)];
    const session = sessionOf(question, request);
    return { call, record, request, entities, session, recordLoaded: readEntity(record, session.entities) };
  });
  const variant = (name: string, answer: (call: (typeof calls)[number]) => Answer): InProcess => ({
    kind: "in process",
    name,
    loadMs,
    batch: 20,
    decide(question) {
      const call = calls[question];
      return call !== undefined && answer(call).decision === "allow";
    },
  });
  return [
    variant(LOADED, ({ request, entities }) => authorize(policies, request, entities)),
    variant(CONTEXT_EACH_CALL, ({ call, entities }) => authorize(policies, readRequest(call), entities)),
    variant(JSON_EACH_CALL, ({ call }) => authorize(policies, readRequest(call), readEntities(call.entities))),
    variant(SESSION, ({ session, request, recordLoaded }) => authorizeIn(session, request, recordLoaded)),
    variant(SESSION_JSON, ({ session, call, record }) => authorizeIn(session, readRequest(call), readEntity(record, session.entities))),
  ];
}

/** One session for each agent and action; record and context come with each call. */
function sessionsOf(policies: Policies): (question: Question, request: Request) => CedarSession {
  const sessions = new Map<string, CedarSession>();
  return (question, { principal, action }) => {
    const key = `${question.agent.id} ${question.action}`;
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const entities = readEntities([...agentEntities(question.agent), ...actionEntities(question)]);
    const open = new Set(Object.keys(question.context));
    const session = openSession(policies, { principal, action, context: new CedarRecord(new Map()), open }, entities);
    sessions.set(key, session);
    return session;
  };
}
