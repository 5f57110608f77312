import { decide } from "../../packages/policy/src/index.ts";
import type { DecisionRequest, JsonObject } from "../../packages/policy/src/index.ts";
import { median, quantile } from "../statistics.ts";
import { requestOf } from "./folder.ts";
import type { Folder } from "./folder.ts";

export interface SessionTimes {
  readonly action: string;
  readonly decisions: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const ACTIONS = ["list_tickets", "get_ticket", "update_ticket"] as const;
const REQUESTS = 100;
/** Decisions timed together, because one alone is too near to the clock's resolution. */
const BATCH = 20;

/**
 * Decisions of a policy folder for one caller over and over, each with other arguments and another record.
 * @throws Error when a call that the folder allows was not allowed.
 */
export function decideInSessions(folder: Folder, budgetMs: number): readonly SessionTimes[] {
  const own = folder.records.filter(isOwn).slice(0, REQUESTS);
  return ACTIONS.map((action) => {
    const requests = own.map((record, index) => requestFor(action, record, index));
    return timeDecisions(folder, action, requests, budgetMs);
  });
}

function isOwn(record: JsonObject): boolean {
  return record["tenant"] === "acme" && record["region"] === "emea" && record["restricted"] === false && record["tier"] === 1;
}

function requestFor(action: (typeof ACTIONS)[number], record: JsonObject, index: number): DecisionRequest {
  if (action === "list_tickets") return requestOf("support", action, { status: index % 2 === 0 ? "open" : "closed" });
  const resource = { type: "Ticket", id: String(record["id"]), attributes: record };
  const change = action === "update_ticket" ? { status: "open", priority: 1 + (index % 3) } : {};
  return { ...requestOf("support", action, { id: resource.id, ...change }), resource };
}

function timeDecisions({ policy }: Folder, action: string, requests: readonly DecisionRequest[], budgetMs: number): SessionTimes {
  const samples: number[] = [];
  let [decisions, refused] = [0, 0];
  const started = performance.now();
  for (let before = started; before - started < budgetMs;) {
    for (let call = 0; call < BATCH; call++) {
      const request = requests[decisions++ % requests.length];
      // A copy, since what is kept for a request would otherwise answer the next time.
      if (request === undefined || decide(policy, { ...request }).verdict !== "allow") refused += 1;
    }
    const after = performance.now();
    samples.push(((after - before) * 1_000) / BATCH);
    before = after;
  }
  if (refused > 0) throw new Error(`\`${action}\` was not allowed ${refused} of ${decisions} times in the bench's folder`);
  return { action, decisions, p50Us: median(samples), p99Us: quantile(samples, 0.99) };
}
