import {
  formatCheckpoint,
  formatHeadsLine,
  type HeadProof,
  type HeadsMap,
  leafHash,
  type NoteKey,
  type SequenceKey,
  signNote,
} from "@bailiwick/ledger";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import type { SignedCheckpoint } from "../../../domain/evidence.ts";
import { Fault } from "../../../domain/fault.ts";
import { oneAtATime } from "../one-at-a-time.ts";
import { inTransaction } from "../in-transaction.ts";
import { newestCheckpoint, writeCheckpoint } from "./checkpoint-rows.ts";
import { type Edge, EMPTY_EDGE, grow, rootOfEdge } from "./edge.ts";
import { readHeads, writeHeads } from "./head-rows.ts";
import { appendKeyChange, makeKey, type OwnKey, readKeys, signersOf } from "./log-keys.ts";
import { readCounted, readEdge, writeTiles } from "./tree-rows.ts";

export interface CheckpointerDeps {
  /** Connections of its own: it holds them while it waits for other brokers. */
  readonly pool: Pool;
  readonly rootKey: Uint8Array;
  readonly origin: (tenant: string) => string;
  readonly now: () => Date;
}

/** What `byRunAndAgent` of the ledger counts by. */
const COUNTED = ["run", "agent"] as const;
/** Leaves read at once. */
const PAGE = 2_000;

/** What is known of a log at its newest checkpoint; another broker may have signed further ones since. */
interface Known {
  edge: Edge;
  readonly heads: HeadsMap;
}

/** Signs checkpoints over what was appended, one broker at a time. */
export interface Checkpointer {
  /** Signs over everything written so far. Undefined when another broker is at it, or the log is empty; `wait` waits for the other one. */
  sign(tenant: string, options: { readonly wait: boolean }): Promise<SignedCheckpoint | undefined>;
  /** The head of a sequence, or that it has none, under the newest checkpoint. Undefined while the log has no checkpoint. */
  proveHead(
    tenant: string,
    sequence: SequenceKey,
  ): Promise<{ readonly checkpoint: SignedCheckpoint; readonly head: HeadProof } | undefined>;
  /** Introduces a new signing key; once a checkpoint covers it the old one is retired. @throws Fault `proof_unavailable` while it is at that already. */
  rotateKey(tenant: string): Promise<NoteKey>;
}

export function checkpointer(deps: CheckpointerDeps): Checkpointer {
  const memory = new Map<string, Known>();
  // Whoever waits within this process takes no connection for it: a few are shared by all logs.
  const inTurn = oneAtATime();
  const alone = <T>(tenant: string, wait: boolean, work: (client: PoolClient) => Promise<T>): Promise<T | undefined> =>
    inTurn(tenant, () =>
      held(deps, tenant, wait, work).catch((error: unknown) => {
        // What memory holds may be ahead of what is committed, or count half of a page.
        memory.delete(tenant);
        throw error;
      }),
    );
  return {
    sign: (tenant, { wait }) => alone(tenant, wait, (client) => signHeld(deps, memory, client, tenant)),
    proveHead: (tenant, sequence) =>
      alone(tenant, true, async (client) => {
        const checkpoint = await newestCheckpoint(client, tenant);
        if (checkpoint === undefined) return undefined;
        const { heads } = await caughtUp(memory, client, tenant, checkpoint.size);
        return { checkpoint, head: heads.prove(sequence) };
      }),
    rotateKey: async (tenant) => {
      const made = await alone(tenant, true, (client) => introduceKey(deps, client, tenant));
      if (made === undefined) throw new Error("the log's lock was not given although it was waited for");
      return made;
    },
  };
}

/** Runs `work` in a transaction that no other broker's work on this log's checkpoints overlaps. */
function held<T>(deps: CheckpointerDeps, tenant: string, wait: boolean, work: (client: PoolClient) => Promise<T>): Promise<T | undefined> {
  return inTransaction(deps.pool, tenant, async (client) => ((await hold(client, tenant, wait)) ? work(client) : undefined));
}

async function hold(client: PoolClient, tenant: string, wait: boolean): Promise<boolean> {
  const lock = `hashtextextended('bailiwick.checkpoint ' || $1, 0)`;
  if (wait) {
    await client.query(`select pg_advisory_xact_lock(${lock})`, [tenant]);
    return true;
  }
  const { rows } = await client.query<{ held: boolean }>(`select pg_try_advisory_xact_lock(${lock}) as held`, [tenant]);
  return rows[0]?.held === true;
}

async function signHeld(
  deps: CheckpointerDeps,
  memory: Map<string, Known>,
  client: PoolClient,
  tenant: string,
): Promise<SignedCheckpoint | undefined> {
  const newest = await newestCheckpoint(client, tenant);
  const before = newest?.size ?? 0;
  const size = await sizeOf(client, tenant);
  if (size === before) return newest;
  const keys = await keysOf(deps, client, tenant, size);
  const state = await caughtUp(memory, client, tenant, before);
  const changed = await advance(state, client, tenant, size);
  await writeHeads(client, tenant, state.heads, changed);
  const text = formatCheckpoint({
    origin: deps.origin(tenant),
    size,
    root: rootOfEdge(state.edge),
    extensions: [formatHeadsLine(state.heads.commitment())],
  });
  await writeCheckpoint(client, tenant, size, await signNote(text, signersOf(keys, before, size)));
  const due = dueForRetirement(keys, size);
  if (due !== undefined) await appendKeyChange(client, tenant, { change: "retire", key: due.key }, deps.now());
  return newestCheckpoint(client, tenant);
}

async function keysOf(deps: CheckpointerDeps, client: PoolClient, tenant: string, size: number): Promise<readonly OwnKey[]> {
  const keys = await readKeys(client, tenant, size, deps.rootKey);
  if (keys.length > 0) return keys;
  await makeKey(client, tenant, { rootKey: deps.rootKey, origin: deps.origin(tenant), first: true });
  return readKeys(client, tenant, size, deps.rootKey);
}

/** @throws Fault `proof_unavailable` while the key before is still being followed. */
async function introduceKey(deps: CheckpointerDeps, client: PoolClient, tenant: string): Promise<NoteKey> {
  const size = await sizeOf(client, tenant);
  const keys = await keysOf(deps, client, tenant, size);
  if (keys.filter(({ retired }) => retired === undefined).length > 1)
    throw new Fault(
      "proof_unavailable",
      `the log of tenant \`${tenant}\` is changing its key already; wait for its next checkpoints, then try again`,
    );
  const key = await makeKey(client, tenant, { rootKey: deps.rootKey, origin: deps.origin(tenant), first: false });
  await appendKeyChange(client, tenant, { change: "introduce", key }, deps.now());
  return key;
}

/** The state at the newest checkpoint: from memory, brought up to what other brokers signed since, or read anew. */
async function caughtUp(memory: Map<string, Known>, client: PoolClient, tenant: string, size: number): Promise<Known> {
  const own = memory.get(tenant);
  if (own !== undefined && own.edge.size <= size) {
    await advance(own, client, tenant, size);
    return own;
  }
  const read = { edge: size === 0 ? EMPTY_EDGE : await readEdge(client, tenant, size), heads: await readHeads(client, tenant) };
  memory.set(tenant, read);
  return read;
}

/** Takes in the leaves up to `size`, and writes the tiles they fill. Returns the sequences that grew. */
async function advance(state: Known, client: PoolClient, tenant: string, size: number): Promise<Iterable<SequenceKey>> {
  const changed = new Map<string, SequenceKey>();
  while (state.edge.size < size) {
    const from = state.edge.size;
    const records = await readCounted(client, tenant, from, Math.min(size, from + PAGE));
    if (records.length !== Math.min(size, from + PAGE) - from)
      throw new Error(`the log has a gap after record ${from}; keep the database as it is and compare it with a backup`);
    records.forEach((record, place) => {
      for (const kind of COUNTED) {
        const name = record[kind];
        if (name === null) continue;
        state.heads.add({ kind, name }, from + place);
        changed.set(`${kind}\0${name}`, { kind, name });
      }
    });
    const grown = grow(
      state.edge,
      records.map(({ leaf }) => leafHash(leaf)),
    );
    await writeTiles(client, tenant, grown.full);
    state.edge = grown.edge;
  }
  return changed.values();
}

const sizeRows = z.array(z.object({ size: z.number() }));

async function sizeOf(client: PoolClient, tenant: string): Promise<number> {
  const { rows } = await client.query("select size from bailiwick.logs where tenant_id = $1", [tenant]);
  return sizeRows.parse(rows)[0]?.size ?? 0;
}

/** The key in use, once a checkpoint of its own covers the introduction of its successor. */
function dueForRetirement(keys: readonly OwnKey[], size: number): OwnKey | undefined {
  const [oldest, ...later] = keys.filter(({ retired }) => retired === undefined);
  return later.some(({ introduced }) => introduced !== undefined && introduced < size) ? oldest : undefined;
}
