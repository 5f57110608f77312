import {
  consistencyRanges,
  formatSequenceProof,
  formatTlogProof,
  inclusionRanges,
  proveConsistency,
  proveInclusion,
  type SequenceKey,
  sourceOfTiles,
  TILE_WIDTH,
  type TileAddress,
  tilePath,
  tilesOfRanges,
  writeEntryBundle,
} from "@bailiwick/ledger";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import type { LogEvidence } from "../../../domain/evidence.ts";
import { Fault } from "../../../domain/fault.ts";
import type { Queryable } from "../queryable.ts";
import { inTransaction } from "../in-transaction.ts";
import { orUnavailable } from "../unavailable.ts";
import { checkpointsBeyond, newestCheckpoint, newestWitnessed, writeCosignatures } from "./checkpoint-rows.ts";
import type { Checkpointer } from "./checkpointer.ts";
import { rangeOf, readKeys } from "./log-keys.ts";
import { readLeaves, tileBytes } from "./tree-rows.ts";

export interface EvidenceDeps {
  readonly pool: Pool;
  readonly rootKey: Uint8Array;
  readonly origin: (tenant: string) => string;
  readonly checkpointer: Checkpointer;
  /** How many witnesses a verifier asks for. */
  readonly quorum: number;
}

/** Records of one sequence that are proven at once; a longer one is exported with the whole log. */
const MAX_PROVEN = 20_000;
const MAX_CHECKPOINTS = 10_000;
/** Tiles kept while a sequence is proven, some 8 kB each: its records come in order, so that neighbours share theirs. */
const MAX_TILES = 1_000;
type Tiles = Map<string, Uint8Array | undefined>;

type Proving = Omit<LogEvidence, "witnesses" | "base">;

export function logEvidence(deps: EvidenceDeps): Proving {
  const reading = <T>(tenant: string, work: (db: Queryable) => Promise<T>): Promise<T> => inOne(deps.pool, tenant, work);
  return {
    origin: deps.origin,
    keys: (tenant) =>
      reading(tenant, async (db) => {
        const size = (await newestCheckpoint(db, tenant))?.size ?? 0;
        return (await readKeys(db, tenant, size, deps.rootKey)).map(rangeOf);
      }),
    newest: (tenant) => reading(tenant, (db) => newestCheckpoint(db, tenant)),
    checkpoints: (tenant, beyond, limit) =>
      reading(tenant, (db) => checkpointsBeyond(db, tenant, beyond, Math.min(limit, MAX_CHECKPOINTS))),
    settle: (tenant) => settle(deps.checkpointer, tenant),
    tile: (tenant, address) =>
      reading(tenant, async (db) => tileBytes(db, tenant, (await newestCheckpoint(db, tenant))?.size ?? 0, address)),
    entries: (tenant, bundle, width) => reading(tenant, (db) => bundleOf(db, tenant, bundle, width)),
    proveGrowth: (tenant, from, to) =>
      reading(tenant, async (db) => {
        const ranges = consistencyRanges(from, to);
        const read = await tilesRead(db, tenant, to, tilesOfRanges(ranges, to));
        return proveConsistency(sourceOfTiles(to, read), from, to);
      }),
    proveRecord: (tenant, index) => reading(tenant, (db) => proveRecord(db, tenant, index, deps.quorum)),
    proveSequence: (tenant, sequence) => proveSequence(deps, tenant, sequence),
    cosigned: (tenant, size, lines) => reading(tenant, (db) => writeCosignatures(db, tenant, size, lines)),
    rotateKey: (tenant) => deps.checkpointer.rotateKey(tenant),
  };
}

async function settle(checkpointer: Checkpointer, tenant: string): ReturnType<LogEvidence["settle"]> {
  const signed = await checkpointer.sign(tenant, { wait: true });
  if (signed === undefined)
    throw new Fault(
      "proof_unavailable",
      `the log of tenant \`${tenant}\` has no records yet, so there is nothing to prove; make a call first`,
    );
  return signed;
}

async function bundleOf(db: Queryable, tenant: string, bundle: number, width: number): Promise<Uint8Array | undefined> {
  const size = (await newestCheckpoint(db, tenant))?.size ?? 0;
  const from = bundle * TILE_WIDTH;
  if (width < 1 || width > TILE_WIDTH || from + width > size) return undefined;
  const leaves = await readLeaves(db, tenant, from, from + width);
  return leaves.length === width ? writeEntryBundle(leaves.map((leaf) => Buffer.from(leaf, "utf8"))) : undefined;
}

async function proveRecord(db: Queryable, tenant: string, index: number, quorum: number): Promise<string | undefined> {
  // A log that is written to has a newer one that no witness has seen yet.
  const checkpoint = await newestWitnessed(db, tenant, { beyond: index, quorum });
  const [leaf] = await readLeaves(db, tenant, index, index + 1);
  if (checkpoint === undefined || leaf === undefined || index >= checkpoint.size) return undefined;
  const hashes = await inclusionOf(db, tenant, checkpoint.size, index);
  return formatTlogProof({ index, hashes, checkpoint: checkpoint.note, extra: Buffer.from(leaf, "utf8") });
}

async function inclusionOf(
  db: Queryable,
  tenant: string,
  size: number,
  index: number,
  known?: Tiles,
): Promise<ReturnType<typeof proveInclusion>> {
  const read = await tilesRead(db, tenant, size, tilesOfRanges(inclusionRanges({ index, size }), size), known);
  return proveInclusion(sourceOfTiles(size, read), { index, size });
}

/** Kind, name, count, last index (docs/spec/log-proofs.md, "Heads of sequences"). */
const headSchema = z.tuple([z.string(), z.string(), z.number(), z.number()]);
const sequenceRows = z.array(z.object({ index: z.number(), leaf: z.string() }));

function proveSequence(deps: EvidenceDeps, tenant: string, sequence: SequenceKey): Promise<string> {
  return orUnavailable(async () => {
    const proven = await deps.checkpointer.proveHead(tenant, sequence);
    if (proven === undefined)
      throw new Fault(
        "proof_unavailable",
        `the log of tenant \`${tenant}\` has no checkpoint yet, so there is nothing to prove; try again in a second`,
      );
    const { checkpoint, head } = proven;
    return inOne(deps.pool, tenant, async (db) => {
      const found = await sequenceRecords(db, tenant, sequence, checkpoint.size);
      const counted = countOf(sequence, head.line);
      if (found.length <= MAX_PROVEN && found.length < counted)
        throw new Fault(
          "proof_unavailable",
          `${counted - found.length} of the ${counted} records of the ${sequence.kind} \`${sequence.name}\` were retired, so not all of them can be shown; prove single records instead`,
        );
      if (found.length > MAX_PROVEN)
        throw new Fault(
          "proof_unavailable",
          `the ${sequence.kind} \`${sequence.name}\` has more than ${MAX_PROVEN} records; export the whole log instead, which proves the same`,
        );
      const records = [];
      const tiles: Tiles = new Map();
      for (const { index, leaf } of found) {
        if (tiles.size > MAX_TILES) tiles.clear();
        records.push({ index, text: leaf, hashes: await inclusionOf(db, tenant, checkpoint.size, index, tiles) });
      }
      return formatSequenceProof({ sequence, checkpoint: checkpoint.note, head, records });
    });
  });
}

/** What stands at the end of the sequence's way may be another's head: then it has no records. */
function countOf({ kind, name }: SequenceKey, line: string | undefined): number {
  if (line === undefined) return 0;
  const [ofKind, ofName, count] = headSchema.parse(JSON.parse(line));
  return ofKind === kind && ofName === name ? count : 0;
}

async function sequenceRecords(
  db: Queryable,
  tenant: string,
  { kind, name }: SequenceKey,
  size: number,
): Promise<z.output<typeof sequenceRows>> {
  const column = kind === "run" ? "run" : "agent";
  // The index knows only what begins; the ends are found by their calls.
  const { rows } = await db.query({
    text: `select index, leaf from bailiwick.records
            where tenant_id = $1 and ${column} = $2 and index < $3
              and call_id in (select call_id from bailiwick.records where tenant_id = $1 and ${column} = $2 and kind <> 'outcome')
            order by index limit $4`,
    values: [tenant, name, size, MAX_PROVEN + 1],
  });
  return sequenceRows.parse(rows);
}

/** Tiles read beforehand, as proofs take them. */
async function tilesRead(
  db: Queryable,
  tenant: string,
  size: number,
  addresses: readonly TileAddress[],
  tiles: Tiles = new Map(),
): Promise<(address: TileAddress) => Uint8Array | undefined> {
  for (const address of addresses) {
    const path = tilePath(address);
    if (!tiles.has(path)) tiles.set(path, await tileBytes(db, tenant, size, address));
  }
  return (address) => tiles.get(tilePath(address));
}

/** Everything that one proof is made of belongs to one checkpoint. */
function inOne<T>(pool: Pool, tenant: string, work: (db: PoolClient) => Promise<T>): Promise<T> {
  return inTransaction(pool, tenant, work, "repeatable read");
}
