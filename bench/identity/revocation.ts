import { type ChildProcess, fork } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { cachedSessions } from "../../packages/broker/src/adapters/cache/session-cache.ts";
import { startEmbedded } from "../../packages/broker/src/adapters/store/embedded/server.ts";
import { openStore, type Store } from "../../packages/broker/src/adapters/store/index.ts";
import type { Session } from "../../packages/broker/src/domain/session.ts";

export interface RevocationTimes {
  /** From the moment a revocation is asked for to the first refusal, milliseconds. */
  readonly sameNodeMs: readonly number[];
  readonly otherNodeMs: readonly number[];
  /** From the acknowledgement to the first refusal on the other node; negative when it refused earlier. */
  readonly otherNodeAfterAckMs: readonly number[];
  /** Calls whose intent became durable although they began after the acknowledgement. */
  readonly admittedAfterAck: { readonly sameNode: number; readonly otherNode: number };
  /** Calls that were tried while revocations were under way: a check that admits nothing proves nothing. */
  readonly calls: { readonly admitted: number; readonly refused: number };
}

const TENANT = "bench";
const CALLERS = 4;
/** Between two calls of one caller: brokers that call, on a machine that is not saturated by the callers themselves. */
const PAUSE_MS = 1;
const heard = z.union([z.object({ watching: z.string() }), z.object({ refused: z.string(), atMs: z.number() })]);

/** Revokes sessions one after another while callers of two brokers on one PostgreSQL use them. */
export async function measureRevocation(folder: string, rounds: number): Promise<RevocationTimes> {
  const server = await startEmbedded({ folder });
  const rootKey = randomBytes(32).toString("hex");
  const url = server.ownerUrl("postgres");
  const [here, there] = [
    await openStore({ databaseUrl: url, rootKey }, { brokerId: "here" }),
    await openStore({ databaseUrl: url, rootKey }, { brokerId: "there" }),
  ];
  const node = fork(fileURLToPath(new URL("./node.ts", import.meta.url)), [url, rootKey], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  try {
    await new Promise<void>((resolve, reject) => {
      node.stdout?.once("data", () => resolve());
      node.once("exit", (code) => reject(new Error(`the second node ended with ${code}`)));
    });
    const times = { sameNodeMs: [] as number[], otherNodeMs: [] as number[], otherNodeAfterAckMs: [] as number[] };
    const admittedAfterAck = { sameNode: 0, otherNode: 0 };
    const calls = { admitted: 0, refused: 0 };
    const [memoryHere, memoryThere] = [cachedSessions(here.sessions, here), cachedSessions(there.sessions, there)];
    for (let round = 0; round < rounds; round += 1) {
      const once = await revokeUnderLoad({ store: here, sessions: memoryHere }, { store: there, sessions: memoryThere }, node, calls);
      times.sameNodeMs.push(once.sameNodeMs);
      times.otherNodeMs.push(once.otherNodeMs);
      times.otherNodeAfterAckMs.push(once.otherNodeAfterAckMs);
      admittedAfterAck.sameNode += once.late.here;
      admittedAfterAck.otherNode += once.late.there;
    }
    return { ...times, admittedAfterAck, calls };
  } finally {
    node.disconnect();
    await new Promise((resolve) => node.once("exit", resolve));
    await there.close();
    await here.close();
    await server.close();
  }
}

interface Once {
  readonly sameNodeMs: number;
  readonly otherNodeMs: number;
  readonly otherNodeAfterAckMs: number;
  readonly late: { readonly here: number; readonly there: number };
}

/** A broker's store, and its memory of sessions. */
interface Side {
  readonly store: Store;
  readonly sessions: Pick<Store["sessions"], "find">;
}

async function revokeUnderLoad(here: Side, there: Side, node: ChildProcess, calls: { admitted: number; refused: number }): Promise<Once> {
  const session = newSession();
  await here.store.sessions.create(session);
  const refusedThere = watchOn(node, session.id);
  await refusedThere.watching;
  const state = { ackMs: Number.POSITIVE_INFINITY, firstRefusalMs: Number.POSITIVE_INFINITY };
  const late = { here: 0, there: 0 };
  const callers = [
    ...Array.from({ length: CALLERS }, () => callUntilRefused(here, session, state, calls, () => (late.here += 1), true)),
    ...Array.from({ length: CALLERS }, () => callUntilRefused(there, session, state, calls, () => (late.there += 1), false)),
  ];
  await pause(10);
  const askedMs = nowMs();
  await here.store.sessions.revoke(TENANT, session.id, "bench");
  state.ackMs = nowMs();
  await Promise.all(callers);
  const otherAtMs = await refusedThere.refusedAtMs;
  return {
    sameNodeMs: state.firstRefusalMs - askedMs,
    otherNodeMs: otherAtMs - askedMs,
    otherNodeAfterAckMs: otherAtMs - state.ackMs,
    late,
  };
}

/** The session check from memory and the durable intent, as on a call's path. */
async function callUntilRefused(
  { store, sessions }: Side,
  session: Session,
  state: { ackMs: number; firstRefusalMs: number },
  calls: { admitted: number; refused: number },
  onLate: () => void,
  sameNode: boolean,
): Promise<void> {
  for (;;) {
    const beganMs = nowMs();
    const found = await sessions.find(TENANT, session.id);
    const live = found !== undefined && found.revokedAt === undefined && (await intend(store, session));
    if (!live) {
      calls.refused += 1;
      if (sameNode) state.firstRefusalMs = Math.min(state.firstRefusalMs, nowMs());
      return;
    }
    calls.admitted += 1;
    if (beganMs > state.ackMs) onLate();
    await pause(PAUSE_MS);
  }
}

async function intend(store: Store, session: Session): Promise<boolean> {
  const body = { at: new Date().toISOString(), agent: session.agent, session: session.id };
  const callId = `call_${randomUUID()}`;
  const { ok } = await store.log.intend(
    TENANT,
    { kind: "intent", callId, body },
    { session: session.id, reservations: [], instead: () => ({ kind: "refusal", callId, body }) },
  );
  return ok;
}

function watchOn(node: ChildProcess, session: string): { readonly watching: Promise<void>; readonly refusedAtMs: Promise<number> } {
  const [watching, refused] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()];
  const hear = (message: unknown): void => {
    const said = heard.parse(message);
    if ("watching" in said) return watching.resolve();
    if (said.refused !== session) return;
    node.off("message", hear);
    refused.resolve(said.atMs);
  };
  node.on("message", hear);
  node.send({ tenant: TENANT, session });
  return { watching: watching.promise, refusedAtMs: refused.promise };
}

/** The same scale in every process of the machine. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function newSession(): Session {
  const issuedAt = new Date();
  return {
    id: `ses_${randomUUID()}`,
    tenant: TENANT,
    environment: "prod",
    workflow: "w",
    agent: "bailiwick://bench/prod/w/a",
    user: "u",
    userProof: "asserted",
    task: "t",
    run: "run_of_the_benchmark",
    data: {},
    scope: [],
    rows: [],
    limits: {},
    grant: "client_credentials",
    binding: { kind: "bearer" },
    lineage: [],
    actors: [],
    issuedAt,
    expiresAt: new Date(issuedAt.getTime() + 300_000),
  };
}
