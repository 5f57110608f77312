import type { LogOutage } from "../../domain/audit.ts";
import type { Queryable } from "./queryable.ts";
import { describe } from "./unavailable.ts";

export interface HealthFacts {
  readonly outages: readonly LogOutage[];
  /** Whether revocations and answers of other brokers are heard. */
  readonly listening: boolean;
  /** Whether this broker holds its name, by which others know that it lives. */
  readonly named: boolean;
}

/** Never throws: a store that cannot answer is an answer. */
export async function health(db: Queryable, facts: HealthFacts): Promise<{ readonly ok: boolean; readonly detail: string }> {
  try {
    await db.query({ text: "select 1", values: [] });
  } catch (error) {
    return { ok: false, detail: `the database does not answer (${describe(error)})` };
  }
  const [outage] = facts.outages;
  if (outage !== undefined) return { ok: false, detail: outageText(outage) };
  if (!facts.listening) return { ok: false, detail: "notices of other brokers are not heard; reconnecting" };
  if (!facts.named) return { ok: false, detail: "the broker's name is not held in the database; reconnecting" };
  return { ok: true, detail: "ready" };
}

function outageText({ tenant, since, why, refused, agents }: LogOutage): string {
  const blocked = agents.length === 0 ? "" : `, of ${agents.join(", ")}`;
  return `the log of tenant \`${tenant}\` cannot be written since ${since.toISOString()} (${why}); ${refused} records were refused${blocked}`;
}
