import { z } from "zod";
import type { Elevation, ElevationState } from "../../domain/elevation.ts";
import { answersSchema, termsSchema } from "./approval-row.ts";
import { canonicalText } from "./log/canonical-text.ts";
import { openJson, sealJson } from "./subjects/sealed-json.ts";
import type { Subject } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import type { ElevationsTable } from "./tables.ts";

/** What was asked, without what changes: written once. */
const askSchema = z.object({
  environment: z.string(),
  scope: z.array(z.string()),
  task: z.string().optional(),
  forMs: z.number(),
  reason: z.string(),
  askedBy: z.union([z.object({ agent: z.string(), user: z.string(), session: z.string() }), z.object({ person: z.string() })]),
  actors: z.array(z.string()).optional(),
  approvers: z.array(z.string()),
  terms: termsSchema,
  policyVersion: z.string(),
});

const saidSchema = z.object({
  answers: answersSchema,
  revoked: z.object({ by: z.string(), at: z.coerce.date(), reason: z.string() }).optional(),
});

/** The person under whose key a question lies: the user it is asked for, or who asked. */
export function subjectOf({ askedBy }: Pick<Elevation, "askedBy">): string {
  return "person" in askedBy ? askedBy.person : askedBy.user;
}

export function toRow(elevation: Elevation, subject: Subject, secrets: Pick<TenantSecrets, "tag">): ElevationsTable {
  const { tenant, id, agent, role, state, createdAt, askEndsAt, answers, given, revoked, ...ask } = elevation;
  return {
    tenant_id: tenant,
    id,
    agent,
    subject: subject.pseudonym,
    role,
    state: state === "expired" ? "pending" : state,
    created_at: createdAt,
    ask_ends_at: askEndsAt,
    answered: answers.length,
    scope: given === undefined ? null : [...given.scope],
    task: sessionsTag(elevation, secrets),
    active_from: given?.from ?? null,
    active_until: given?.until ?? null,
    ask: sealJson(subject, ask, associatedOf("ask", elevation)),
    answers: answers.length === 0 && revoked === undefined ? null : sealSaid(subject, elevation),
  };
}

/**
 * Whose sessions have the right: those for a task, and where the agent itself asked, for the user it asked for, since that is what people were told.
 * Null: all of the agent.
 */
function sessionsTag({ task, askedBy }: Pick<Elevation, "task" | "askedBy">, secrets: Pick<TenantSecrets, "tag">): string | null {
  if (task === undefined) return null;
  return "person" in askedBy ? taskTag(secrets, task) : userTaskTag(secrets, { task, user: askedBy.user });
}

/** Tags of the rights that a session of this user and task has, beside those that all of its agent's have. */
export function tagsOfSession(
  secrets: Pick<TenantSecrets, "tag">,
  session: { readonly user: string; readonly task: string },
): readonly string[] {
  return [taskTag(secrets, session.task), userTaskTag(secrets, session)];
}

function taskTag({ tag }: Pick<TenantSecrets, "tag">, task: string): string {
  return tag("task", task.toWellFormed());
}

function userTaskTag({ tag }: Pick<TenantSecrets, "tag">, { user, task }: { readonly user: string; readonly task: string }): string {
  return tag("user-task", canonicalText([user, task]));
}

/** What people said of it, under the key of whom it was asked for, whoever said it. */
export function sealSaid(subject: Subject, elevation: Pick<Elevation, "tenant" | "id" | "answers" | "revoked">): Buffer {
  const { answers, revoked } = elevation;
  return sealJson(subject, { answers, revoked }, associatedOf("said", elevation));
}

/** A question or a right whose time is over reads as expired; nobody has to write that down for it to hold. */
export function fromRow(row: ElevationsTable, subject: Subject, now: Date): Elevation {
  const place = { tenant: row.tenant_id, id: row.id };
  const said = row.answers === null ? { answers: [] } : saidSchema.parse(openJson(subject, row.answers, associatedOf("said", place)));
  const { scope, active_from: from, active_until: until } = row;
  return {
    ...askSchema.parse(openJson(subject, row.ask, associatedOf("ask", place))),
    ...place,
    agent: row.agent,
    role: row.role,
    state: stateAt(row, now),
    createdAt: row.created_at,
    askEndsAt: row.ask_ends_at,
    ...said,
    ...(scope === null || from === null || until === null ? {} : { given: { scope, from, until } }),
  };
}

function stateAt({ state, ask_ends_at: askEndsAt, active_until: until }: ElevationsTable, now: Date): ElevationState {
  if (state === "pending" && askEndsAt <= now) return "expired";
  return state === "active" && until !== null && until <= now ? "expired" : state;
}

function associatedOf(part: "ask" | "said", { tenant, id }: Pick<Elevation, "tenant" | "id">): string {
  return `elevation ${part}|${tenant}|${id}`;
}
