import { exportVerifier, growTree, leafHashesOfTiles, type LogKey, logPolicy, TILE_WIDTH, tilePath } from "@bailiwick/ledger";
import type { AuditLog, StoredRecord } from "../domain/audit.ts";
import { z } from "zod";
import type { LogBase, LogEvidence, SignedCheckpoint } from "../domain/evidence.ts";

/** Records read at a time, so that a long log is checked in constant memory. */
const PAGE = 1_000;
const CHECKPOINT_PAGE = 5_000;

/** Outcome of checking one tenant's log. */
export interface LogVerification {
  readonly ok: boolean;
  readonly records: number;
  readonly checkpoints: number;
  /** Root hash of the tree, in base64; empty for an empty or broken log. */
  readonly root: string;
  /** The first bad record, or where it is at the latest, and what is wrong with it. */
  readonly fault?: { readonly index: number; readonly until: number; readonly what: string } | undefined;
}

/**
 * Checks the whole log of a tenant as an auditor would, against its own checkpoints and first key. A log that was cut, or rewritten by somebody
 * who holds its key, shows only against checkpoints kept elsewhere.
 */
export async function verifyLog(
  { log, evidence }: { readonly log: Pick<AuditLog, "read">; readonly evidence: LogEvidence },
  tenant: string,
): Promise<LogVerification> {
  // The base first: the record that speaks of it is then covered.
  const base = await evidence.base(tenant);
  const newest = await settled(log, evidence, tenant);
  const keys = believedAt(base?.frontier.size ?? 0, await evidence.keys(tenant));
  if (newest === undefined) return { ok: true, records: 0, checkpoints: 0, root: "" };
  if (keys.length === 0)
    return broken({ index: 0, until: newest.size, what: "the log has checkpoints, but no key that they are signed with" });
  const checkpoints = (await allCheckpoints(evidence, tenant)).filter(({ size }) => size <= newest.size);
  const tiles = new Map<string, Uint8Array | undefined>();
  const verifier = exportVerifier({
    policy: logPolicy({ origin: evidence.origin(tenant), keys }),
    checkpoints: checkpoints.map(({ note }) => note),
    leafHashAt: leafHashesOfTiles(newest.size, (address) => tiles.get(tilePath(address))),
    ...(base === undefined ? {} : { from: base }),
  });
  let index = base?.frontier.size ?? 0;
  let retired = base === undefined;
  let hidden: StoredRecord | undefined;
  while (index < newest.size) {
    const page = await log.read(tenant, index, Math.min(PAGE, newest.size - index));
    if (page.length === 0) break;
    await loadTiles(evidence, tenant, { from: index, to: index + page.length, size: newest.size }, tiles);
    index += page.length;
    hidden ??= page.find(({ misfiled }) => misfiled !== undefined);
    retired ||= page.some(({ text }) => saysRetired(text, base));
    if (!page.every((record) => verifier.push(record.text))) break;
  }
  const verdict = verifier.verdict();
  if (verdict.ok && hidden !== undefined)
    return broken({
      index: hidden.index,
      until: hidden.index + 1,
      what: `its column \`${hidden.misfiled ?? ""}\` does not say what it says, which hides it from queries`,
    });
  if (verdict.ok && !retired)
    return broken({
      index: 0,
      until: verdict.size,
      what: "no record says that those before the first one were retired: they were cut off",
    });
  if (verdict.ok)
    return { ok: true, records: verdict.size, checkpoints: verdict.checkpoints, root: Buffer.from(verdict.root).toString("base64") };
  return broken({ index: verdict.at, until: verdict.until, what: verdict.why }, { records: index, checkpoints: checkpoints.length });
}

function broken(fault: NonNullable<LogVerification["fault"]>, checked = { records: 0, checkpoints: 0 }): LogVerification {
  return { ok: false, ...checked, root: "", fault };
}

const retirementSchema = z.object({ kind: z.literal("admin"), event: z.literal("log.retire"), to: z.number(), root: z.string() });

/** Whether a record is the one of the retirement that made the base: nobody else can sign where the records begin. */
function saysRetired(text: string, base: LogBase | undefined): boolean {
  if (base === undefined || !text.includes('"log.retire"')) return false;
  const { data } = retirementSchema.safeParse(jsonOf(text));
  if (data?.to !== base.frontier.size) return false;
  return data.root === Buffer.from(growTree(base.frontier).root()).toString("base64");
}

/** A record that somebody changed need not be JSON any more; the verifier says so. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The keys that a log's retired records introduced, or its first one; what became of them later, its records say. */
function believedAt(base: number, keys: readonly LogKey[]): readonly LogKey[] {
  return keys
    .filter(({ from }) => from <= base)
    .map(({ key, from, until }) => ({ key, from, until: until === undefined || until >= base ? undefined : until }));
}

/** The newest checkpoint over all records, or undefined for a log that is empty. */
async function settled(log: Pick<AuditLog, "read">, evidence: LogEvidence, tenant: string): Promise<SignedCheckpoint | undefined> {
  const [first] = await log.read(tenant, 0, 1);
  return first === undefined && (await evidence.newest(tenant)) === undefined ? undefined : evidence.settle(tenant);
}

async function allCheckpoints(evidence: LogEvidence, tenant: string): Promise<readonly SignedCheckpoint[]> {
  const found: SignedCheckpoint[] = [];
  for (;;) {
    const page = await evidence.checkpoints(tenant, found.at(-1)?.size ?? 0, CHECKPOINT_PAGE);
    found.push(...page);
    if (page.length < CHECKPOINT_PAGE) return found;
  }
}

/** Keeps the leaf tiles of one page: with them the first bad record is named exactly. */
async function loadTiles(
  evidence: LogEvidence,
  tenant: string,
  { from, to, size }: { readonly from: number; readonly to: number; readonly size: number },
  tiles: Map<string, Uint8Array | undefined>,
): Promise<void> {
  for (let tile = Math.floor(from / TILE_WIDTH); tile * TILE_WIDTH < to; tile += 1) {
    const address = { level: 0, index: tile, width: Math.min(TILE_WIDTH, size - tile * TILE_WIDTH) };
    const path = tilePath(address);
    if (!tiles.has(path)) tiles.set(path, await evidence.tile(tenant, address));
  }
}
