import { sql, type Transaction } from "kysely";
import type { Elevation } from "../../domain/elevation.ts";
import { widerThan } from "../../domain/elevation.ts";
import { fromRow } from "./elevation-row.ts";
import type { Subject } from "./subjects/subjects.ts";
import type { ElevationsTable, Tables } from "./tables.ts";

/** Questions about one agent that may wait at once: people who are asked without end stop reading. */
export const MAX_WAITING = 20;

/** What is asked, and under whose key. */
interface Question {
  readonly row: ElevationsTable;
  readonly subject: Subject;
  readonly elevation: Elevation;
  /** Tags of the rights that the sessions it is asked for have. */
  readonly tags: readonly string[];
}

/** The row that answers a question already: the same one that waits, or a right in force that holds what is asked. */
export async function askedAlready(scoped: Transaction<Tables>, question: Question, at: Date): Promise<ElevationsTable | undefined> {
  const { row } = question;
  const others = await scoped
    .selectFrom("bailiwick.elevations")
    .selectAll()
    .where("tenant_id", "=", row.tenant_id)
    .where("agent", "=", row.agent)
    .where("role", "=", row.role)
    .where((where) =>
      where.or([
        where.and([where("state", "=", "pending"), where("ask_ends_at", ">", at), where("subject", "=", row.subject)]),
        where.and([where("state", "=", "active"), where("active_until", ">", at)]),
      ]),
    )
    .orderBy("active_until", "desc")
    .orderBy("id")
    .execute();
  return others.find((other) => (other.state === "pending" ? isSame(question, other, at) : holds(question, other, at)));
}

/** How many questions about the agent wait. */
export async function waitingFor(scoped: Transaction<Tables>, tenant: string, agent: string, at: Date): Promise<number> {
  const counted = await scoped
    .selectFrom("bailiwick.elevations")
    .select(sql<number>`count(*)::int`.as("count"))
    .where("tenant_id", "=", tenant)
    .where("agent", "=", agent)
    .where("state", "=", "pending")
    .where("ask_ends_at", ">", at)
    .executeTakeFirst();
  return counted?.count ?? 0;
}

/** A reason may be worded anew; what counts is the right. */
function isSame({ row, subject, elevation }: Question, other: ElevationsTable, at: Date): boolean {
  if (other.task !== row.task) return false;
  const asked = fromRow(other, subject, at);
  const byPerson = "person" in asked.askedBy;
  return byPerson === "person" in elevation.askedBy && asked.forMs === elevation.forMs && sameScopes(asked.scope, elevation.scope);
}

function sameScopes(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((scope) => other.includes(scope));
}

/** In its second half a right no longer answers the question for it: whoever needs it longer asks in time. */
function holds({ elevation, tags }: Question, other: ElevationsTable, at: Date): boolean {
  if (other.task !== null && !tags.includes(other.task)) return false;
  const { active_from: from, active_until: until, scope } = other;
  if (from === null || until === null || scope === null) return false;
  const leftMs = until.getTime() - at.getTime();
  const hasHalf = leftMs * 2 >= until.getTime() - from.getTime();
  return hasHalf && widerThan({ scope, forMs: elevation.forMs }, { scope: elevation.scope, forMs: elevation.forMs }) === undefined;
}
