import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { exportVerifier, logPolicy } from "../packages/ledger/src/index.ts";
import { openStore, startEmbedded, type Store } from "../packages/broker/src/adapters/store/index.ts";
import { fillLog } from "./audit/fill.ts";
import { load, type LoadFigures } from "./audit/load.ts";
import { queryMix } from "./audit/queries.ts";
import type { Bench, BenchReport, Table } from "./bench.ts";
import { median, quantile } from "./statistics.ts";

const LOADS = [
  { callers: 1, calls: 400 },
  { callers: 16, calls: 4_000 },
  { callers: 64, calls: 12_000 },
] as const;
const ROUNDS = 5;
const QUICK_SHARE = 0.1;
const FILLED_RECORDS = 1_000_000;
const QUICK_FILLED = 50_000;
const QUERY_ROUNDS = 5;
const VERIFIED_RECORDS = 200_000;
const PROOFS = 200;
const ROOT_KEY = "cd".repeat(32);

const CALLS_PER_S = 5_000;
const VERIFIED_PER_S = 100_000;
const QUERY_P95_MS = 100;

/** What evidence costs: to write, to find, to prove. */
export const audit: Bench = {
  name: "audit",
  about: "the log: durable records a second, the intent's latency, queries over a million records, verification, proofs, size",
  aim: `${CALLS_PER_S} audited calls/s on PostgreSQL at 64 callers; ${VERIFIED_PER_S} records/s verified; query p95 under ${QUERY_P95_MS} ms`,
  async run({ quick, progress }): Promise<BenchReport> {
    const folder = await mkdtemp(join(tmpdir(), "bailiwick-bench-"));
    try {
      const written = await writing(folder, quick, progress);
      const found = await finding(folder, quick, progress);
      return report(written, found);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

interface Written {
  readonly embedded: readonly LoadFigures[];
  readonly server: readonly LoadFigures[];
  readonly proofs: Proofs;
  readonly bytesPerRecord: number;
  readonly bytesPerLeaf: number;
}

/** The same load on the embedded server and on one by URL, which is what production has. */
async function writing(folder: string, quick: boolean, progress: (line: string) => void): Promise<Written> {
  const server = await startEmbedded({ folder: join(folder, "server") });
  try {
    const databaseUrl = await newDatabase(server.ownerUrl("postgres"), server.ownerUrl("bench"));
    const embedded = await openStore({ dataFolder: join(folder, "embedded"), rootKey: ROOT_KEY }, { brokerId: "bench-embedded" });
    const byUrl = await openStore({ databaseUrl, rootKey: ROOT_KEY }, { brokerId: "bench-server" });
    try {
      const figures = { embedded: [] as LoadFigures[], server: [] as LoadFigures[] };
      for (const store of [embedded, byUrl]) await load(store, { callers: 16, calls: 1_000, name: "warm" });
      for (let round = 0; round < (quick ? 1 : ROUNDS); round += 1) {
        for (const { callers, calls } of LOADS) {
          const some = { callers, calls: quick ? Math.ceil(calls * QUICK_SHARE) : calls, name: `r${round}` };
          figures.embedded.push(await load(embedded, some));
          figures.server.push(await load(byUrl, some));
        }
        progress(`writing: round ${round + 1} done`);
      }
      const proofs = await proving(byUrl);
      return { ...figures, proofs, ...(await sizes(databaseUrl)) };
    } finally {
      await Promise.all([embedded.close(), byUrl.close()]);
    }
  } finally {
    await server.close();
  }
}

async function newDatabase(ownerUrl: string, url: string): Promise<string> {
  const owner = new Client({ connectionString: ownerUrl });
  await owner.connect();
  await owner.query("create database bench template template0");
  await owner.end();
  return url;
}

interface Proofs {
  readonly recordP50Ms: number;
  readonly recordP95Ms: number;
  readonly checkpointMs: number;
  readonly records: number;
}

async function proving(store: Store): Promise<Proofs> {
  const started = performance.now();
  const { size } = await store.evidence.settle("bench");
  const checkpointMs = performance.now() - started;
  const times: number[] = [];
  for (let proof = 0; proof < PROOFS; proof += 1) {
    const before = performance.now();
    await store.evidence.proveRecord("bench", Math.floor((size * (proof + 0.5)) / PROOFS));
    times.push(performance.now() - before);
  }
  return { recordP50Ms: median(times), recordP95Ms: quantile(times, 0.95), checkpointMs, records: size };
}

/** With indexes, facts, tiles and checkpoints; and the leaf alone. */
async function sizes(databaseUrl: string): Promise<Pick<Written, "bytesPerRecord" | "bytesPerLeaf">> {
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  const { rows } = await owner.query<{ all: number; leaf: number; records: number }>(
    `select (select sum(pg_total_relation_size(c.oid))::float8 from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = 'bailiwick' and c.relkind = 'r' and (c.relname like 'record%' or c.relname in ('tiles', 'checkpoints', 'sequence_heads'))) as all,
            (select avg(octet_length(leaf))::float8 from bailiwick.records) as leaf,
            (select count(*)::float8 from bailiwick.records) as records`,
  );
  await owner.end();
  const { all = 0, leaf = 0, records = 1 } = rows[0] ?? {};
  return { bytesPerRecord: all / records, bytesPerLeaf: leaf };
}

interface Found {
  readonly records: number;
  readonly queries: Awaited<ReturnType<typeof queryMix>>;
  readonly verifiedPerS: number;
}

/** Over a log of a million records. */
async function finding(folder: string, quick: boolean, progress: (line: string) => void): Promise<Found> {
  const server = await startEmbedded({ folder: join(folder, "filled") });
  try {
    const databaseUrl = await newDatabase(server.ownerUrl("postgres"), server.ownerUrl("bench"));
    const store = await openStore({ databaseUrl, rootKey: ROOT_KEY }, { brokerId: "bench-filled" });
    try {
      const filled = await fillLog(store.log, databaseUrl, quick ? QUICK_FILLED : FILLED_RECORDS, new Date());
      progress(`finding: ${filled.records} records are there`);
      const queries = await queryMix(store.log, filled, quick ? 1 : QUERY_ROUNDS);
      progress("finding: queries done");
      const verifiedPerS = await verifying(store, filled.tenant, Math.min(VERIFIED_RECORDS, filled.records));
      return { records: filled.records, queries, verifiedPerS };
    } finally {
      await store.close();
    }
  } finally {
    await server.close();
  }
}

/** As an auditor does it, whose records lie on a disk beside them: hashing, the tree, the heads of all runs and agents, the checkpoint. */
async function verifying(store: Store, tenant: string, records: number): Promise<number> {
  const { size, note } = await store.evidence.settle(tenant);
  const texts: string[] = [];
  while (texts.length < records) texts.push(...(await store.log.read(tenant, texts.length, 5_000)).map(({ text }) => text));
  const [key] = await store.evidence.keys(tenant);
  if (key === undefined) throw new Error("the filled log has no key");
  const verifier = exportVerifier({ policy: logPolicy({ origin: store.evidence.origin(tenant), keys: [key] }), checkpoints: [note] });
  const started = performance.now();
  for (const text of texts) verifier.push(text);
  const seconds = (performance.now() - started) / 1_000;
  if (texts.length === size && !verifier.verdict().ok) throw new Error("the filled log does not verify");
  return texts.length / seconds;
}

function report(written: Written, found: Found): BenchReport {
  const callsAt64 = median(written.server.filter(({ callers }) => callers === 64).map(({ callsPerS }) => callsPerS));
  const worst = found.queries.toSorted((left, right) => right.p95Ms - left.p95Ms)[0];
  const { recordP50Ms, recordP95Ms, checkpointMs, records } = written.proofs;
  return {
    tables: [
      writtenTable("embedded PostgreSQL", written.embedded),
      writtenTable("PostgreSQL by URL", written.server),
      {
        title: `${found.records} records: queries as the interface asks them (ms)`,
        rows: found.queries.map(({ name, asked, p50Ms, p95Ms, slowestMs, found: rows }) => ({
          query: name,
          asked,
          p50: p50Ms,
          p95: p95Ms,
          slowest: slowestMs,
          found: rows,
        })),
      },
      {
        title: `proofs (log of ${records} records), size, verification`,
        rows: [
          { figure: "proof of a record, p50 ms", value: recordP50Ms },
          { figure: "proof of a record, p95 ms", value: recordP95Ms },
          { figure: "checkpoint over what was not signed yet, ms", value: checkpointMs },
          { figure: "bytes a record, with facts, indexes and tiles", value: written.bytesPerRecord },
          { figure: "bytes of a leaf", value: written.bytesPerLeaf },
          { figure: "records verified a second", value: found.verifiedPerS },
        ],
      },
    ],
    headline: `${callsAt64.toFixed(0)} audited calls/s at 64 callers; ${found.verifiedPerS.toFixed(0)} records/s verified; the slowest kind of query, ${worst?.name ?? "none"}, has a p95 of ${worst?.p95Ms.toFixed(0) ?? "0"} ms`,
    holds: callsAt64 >= CALLS_PER_S && found.verifiedPerS >= VERIFIED_PER_S && (worst?.p95Ms ?? 0) < QUERY_P95_MS,
  };
}

function writtenTable(title: string, figures: readonly LoadFigures[]): Table {
  return {
    title: `${title}: medians of the rounds (best)`,
    rows: LOADS.map(({ callers }) => {
      const own = figures.filter((each) => each.callers === callers);
      const of = (pick: (figure: LoadFigures) => number): number => median(own.map(pick));
      return {
        callers,
        "calls/s": of(({ callsPerS }) => callsPerS),
        "best calls/s": Math.max(...own.map(({ callsPerS }) => callsPerS)),
        "records/s": of(({ recordsPerS }) => recordsPerS),
        "intent p50 ms": of(({ intentP50Ms }) => intentP50Ms),
        "intent p99 ms": of(({ intentP99Ms }) => intentP99Ms),
        "own CPU us/call": of(({ cpuUs }) => cpuUs),
      };
    }),
  };
}
