import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { cachedSessions } from "../../src/adapters/cache/session-cache.ts";
import { createAgentSurface } from "../../src/call/agent-surface.ts";
import type { AgentSurface } from "../../src/call/surface.ts";
import type { CallAnswer } from "../../src/call/types.ts";
import type { Elevation } from "../../src/domain/elevation.ts";
import type { Session } from "../../src/domain/session.ts";
import { bearer } from "../plain-session.ts";
import { testStore, type TestStore } from "../support/store.ts";
import { yesOf } from "../store/elevation-sample.ts";
import { silentIo, testPolicy, world, type World } from "./support.ts";

export let db: TestStore;
/** Another broker on the same database. */
export let other: Store;
/** Milliseconds that the clocks of stores and calls are ahead. */
let aheadMs = 0;
export function moveClock(ms: number): void {
  aheadMs = ms;
}
export const now = (): Date => new Date(Date.now() + aheadMs);

export async function openBrokers(): Promise<void> {
  db = await testStore({ now });
  other = await openStore({ databaseUrl: db.databaseUrl, rootKey: db.rootKey }, { brokerId: "other", now });
}

export async function closeBrokers(): Promise<void> {
  await other.close();
  await db.close();
}

export const CLEANING = `role: cleaning
reason: clears away what is done
allow:
  - do: tickets:delete
  - do: tickets:update
    rows: resource.region == "amer"
`;
export const agentFile = (eligible: string): string => `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [reader]
${eligible}
ceiling: { allow: ["tickets:*", "health:*"] }
`;
export const ELIGIBLE = `eligible:
  - { role: cleaning, most: 2h, reason: spring cleaning, approve: { by: [support-lead], expires: 30m } }
`;
export const READER = "role: reader\nreason: reads tickets\nallow:\n  - do: tickets:read\n  - do: health:ping\n";

/** An agent that reads, and may ask for cleaning. */
export const policyWith = (eligible: string) =>
  testPolicy({ "agents/support.yaml": agentFile(eligible), "roles/cleaning.yaml": CLEANING, "roles/reader.yaml": READER });
export const policy = policyWith(ELIGIBLE);

export interface House extends World {
  readonly surface: AgentSurface;
}

export async function house(store: Store = db.store, on = policy): Promise<House> {
  const made = await world(store, (ports) => ({ ...ports, now, sessions: cachedSessions(store.sessions, store) }), on);
  return { ...made, surface: createAgentSurface(made.ports, () => () => undefined) };
}

/** The same session's calls at another broker. */
export async function atOther(here: House): Promise<House> {
  const made = await world(other, (ports) => ({ ...ports, now, sessions: cachedSessions(other.sessions, other) }), policy);
  const surface = createAgentSurface(made.ports, () => () => undefined);
  const call: World["call"] = (name, args = {}, more = {}) =>
    surface.handle({
      presented: bearer(here.session.id),
      peer: "::1",
      kind: "tool",
      name,
      args,
      io: silentIo(),
      patience: { waitMs: 0 },
      ...more,
    });
  return { ...made, session: here.session, surface, call };
}

export const line = (session: Session, waitMs = 0) => ({
  presented: bearer(session.id),
  peer: "::1",
  io: silentIo(),
  patience: { waitMs },
});

export async function ask(
  { surface, session }: House,
  args: object = { scope: "tickets:delete", reason: "the quarter ended" },
): Promise<Elevation> {
  const answer = await surface.requestElevation(args, line(session));
  if (answer.kind !== "pending_elevation") throw new Error(`expected a question, got ${JSON.stringify(answer)}`);
  return answer.elevation;
}

export async function give(
  elevation: Elevation,
  given: { scope?: readonly string[]; forMs?: number } = {},
  store: Store = db.store,
): Promise<Elevation> {
  const { scope = elevation.scope, forMs = elevation.forMs } = given;
  const from = now();
  const until = new Date(from.getTime() + forMs);
  const outcome = await store.elevations.answer("acme", elevation.id, {
    answer: yesOf({ at: from, by: "dana-two" }),
    seen: elevation.answers.length,
    state: "active",
    given: { scope, from, until },
  });
  if (!outcome.ok) throw new Error(outcome.why);
  return outcome.elevation;
}

export const revoke = (elevation: Elevation, store: Store = db.store) =>
  store.elevations.revoke("acme", elevation.id, { by: "olaf", at: now(), reason: "enough" });
export const codeOf = (answer: CallAnswer): string => (answer.kind === "refused" ? answer.code : answer.kind);

/** The other broker has heard of what happened so far. */
export async function heard(work: () => Promise<unknown>): Promise<void> {
  const told = new Promise<void>((settle) => {
    const off = other.onEnded((ended) => {
      if (ended?.kind !== "elevations") return;
      off();
      settle();
    });
  });
  await work();
  await told;
}
