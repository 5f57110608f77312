import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  formatNoteKey,
  LedgerError,
  type LogKey,
  type LogPolicy,
  logPolicy,
  originOfFolder,
  parseNoteKey,
  policyOfLog,
  verifyFolder,
} from "@bailiwick/ledger";
import {
  checkpointsAt,
  faultReport,
  folderOnDisk,
  provenReport,
  type Report,
  runLedger,
  trustOf,
  WrongUsage,
} from "@bailiwick/ledger/program";
import type { Command } from "commander";
import { logKeysSchema } from "../rest-contract/log-evidence.ts";
import type { BrokerClient } from "./broker-client.ts";
import type { Cli } from "./cli.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { keepKnownLog, type KnownLog, knownLogsPath, readKnownLogs } from "./known-logs.ts";
import { type MirroredLog, mirrorLog } from "./log-mirror.ts";
import { tenantsToAsk } from "./tenants-to-ask.ts";
import { printable } from "./text.ts";

interface VerifyOptions {
  readonly tenant?: string;
  readonly key?: readonly string[];
  readonly policy?: string;
  readonly witness?: readonly string[];
  readonly witnessQuorum?: string;
  readonly against?: readonly string[];
}

/** `bailiwick audit verify [folder]`: nothing of the answer is the broker's word. */
export function addAuditVerify(audit: Command, cli: Cli): void {
  const each = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  audit
    .command("verify [folder]")
    .description(
      "proves that a log is whole: the running broker's, fetched and verified here; or an export folder, offline (`bailiwick audit mirror` writes one)",
    )
    .option("--tenant <tenant>", "only this tenant's log")
    .option("--key <key>", "a key of the log, from its operator (default: as pinned at the first verification from this data folder)", each)
    .option("--policy <file>", "keys, witnesses and quorum in one file (C2SP tlog-policy)")
    .option("--witness <key>", "a witness's key, with --key; may be given again", each)
    .option("--witness-quorum <n>", "how many of the witnesses must have cosigned (default: all of them, or as the policy says)")
    .option("--against <path>", "checkpoints kept in a second place: a file, or a folder of files; may be given again", each)
    .action(async (folder: string | undefined, options: VerifyOptions) => {
      if (folder !== undefined) cli.exitWith(await verifyOffline(cli, folder, options));
      else await verifyRunning(cli, options);
    });
}

/** By the program that an auditor runs without us. */
async function verifyOffline(cli: Cli, folder: string, options: VerifyOptions): Promise<number> {
  const path = resolve(cli.io.cwd, folder);
  const { key = [], policy, witness = [], witnessQuorum, against = [] } = options;
  const keys = key.length === 0 && policy === undefined ? await pinnedKeys(cli, path) : key;
  const argv = [
    ...keys.flatMap((one) => ["--key", one]),
    ...(policy === undefined ? [] : ["--policy", policy]),
    ...witness.flatMap((one) => ["--witness", one]),
    ...(witnessQuorum === undefined ? [] : ["--witness-quorum", witnessQuorum]),
    ...against.flatMap((one) => ["--against", one]),
    ...(cli.json() ? ["--json"] : []),
  ];
  const { stdout, stderr } = cli.io;
  const io = { cwd: cli.io.cwd, out: (text: string) => void stdout.write(text), err: (text: string) => void stderr.write(text) };
  return runLedger(["verify", path, ...argv], io);
}

/** The log's keys as this data folder pinned them: records that introduced a later one may be retired. */
async function pinnedKeys(cli: Cli, folder: string): Promise<readonly string[]> {
  const known = [...(await readKnownLogs(cli.dataFolder())).values()];
  try {
    const origin = originOfFolder(folderOnDisk(folder));
    return known.filter((log) => log.origin === origin).flatMap((log) => log.keys.map(({ key }) => formatNoteKey(key)));
  } catch (error) {
    if (error instanceof LedgerError) return [];
    throw error;
  }
}

async function verifyRunning(cli: Cli, options: VerifyOptions): Promise<void> {
  const { key, policy, witness, witnessQuorum } = options;
  // Without this a quorum that was asked for would be passed over, and the answer still be "proven".
  if (key === undefined && policy === undefined && (witness !== undefined || witnessQuorum !== undefined))
    throw new CliFailure("usage", "witnesses are asked for, but the log's key is not pinned with them", [
      "add `--key <key>`, as the log's operator gives it, or name keys, witnesses and quorum with `--policy <file>`",
    ]);
  const broker = await cli.broker();
  const reports: { readonly tenant: string; readonly report: Report }[] = [];
  for (const tenant of await tenantsToAsk(broker, options.tenant))
    reports.push({ tenant, report: await verifyLog(cli, broker, tenant, options) });
  const ok = reports.every(({ report }) => report.ok);
  const json = { ok, logs: reports.map(({ tenant, report }) => ({ tenant, ...report.json })) };
  cli.answer(json, reports.map(({ tenant, report }) => `${tenant}\n${report.text.replaceAll(/^(?=.)/gmu, "  ")}`).join("\n"));
  if (!ok) cli.exitWith(EXIT.refused);
}

/** Fetches a log into a folder of its own and verifies it there: one way of verifying, whoever holds the log. */
async function verifyLog(cli: Cli, broker: BrokerClient, tenant: string, options: VerifyOptions): Promise<Report> {
  const known = (await readKnownLogs(cli.dataFolder())).get(tenant);
  const folder = await mkdtemp(join(tmpdir(), "bailiwick-verify-"));
  try {
    const mirrored = await mirrorLog(broker, tenant, folder);
    if (mirrored === undefined) return emptyReport(known, await keptElsewhere(cli, broker, tenant, options));
    const { origin } = mirrored.keys;
    const { policy, changed } = policyFor(cli, mirrored, known, options);
    if (changed !== undefined) return faultReport(changed, origin);
    const against = (options.against ?? []).flatMap((place) => checkpointsAt(resolve(cli.io.cwd, place), origin));
    const verdict = verifyFolder(folderOnDisk(folder), { policy, also: [...against, ...(known === undefined ? [] : [known.checkpoint])] });
    if (!verdict.ok) return faultReport(verdict, origin);
    await keepKnownLog(cli.dataFolder(), tenant, {
      origin,
      keys: verdict.keys,
      checkpoint: mirrored.note,
      verifiedAt: cli.io.now().toISOString(),
    });
    return provenReport(verdict, options.against === undefined ? undefined : against.length);
  } catch (error) {
    if (error instanceof LedgerError) return faultReport({ ok: false, code: error.code, at: 0, until: 1, why: error.message }, undefined);
    if (error instanceof WrongUsage || error instanceof RangeError) throw new CliFailure("usage", error.message);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Changed = Parameters<typeof faultReport>[0];

/** Whom to believe: the options, or what was pinned, or on the first time what the broker says. */
function policyFor(
  cli: Cli,
  { keys, first: base }: MirroredLog,
  known: KnownLog | undefined,
  options: VerifyOptions,
): { policy: LogPolicy; changed?: Changed } {
  const { origin } = keys;
  if (options.key !== undefined || options.policy !== undefined) {
    const trust = trustOf({ ...options, "witness-quorum": options.witnessQuorum }, cli.io.cwd);
    return { policy: policyOfLog(trust, origin) };
  }
  const [first] = keys.keys;
  if (first === undefined) throw new CliFailure("fault", `the broker names no key of log \`${origin}\``, ["pin one with `--key <key>`"]);
  // Named by the broker, so no quorum of them is asked for; but what they cosigned has to fit.
  const witnesses = keys.witnesses.map(parseNoteKey);
  if (known === undefined) {
    // What introduced these may be among the records that were retired.
    const believed = keys.keys.filter(({ from }) => from === 0 || from <= base);
    const named = believed.map(({ key }) => `\n  ${printable(key)}`).join("");
    cli.talk(`log ${origin} is seen for the first time, and its key is pinned from now on: compare it with the operator's${named}`);
    return { policy: logPolicy({ origin, keys: believed.map((one) => logKeyAt(one, base)), witnesses }) };
  }
  const policy = logPolicy({ origin: known.origin, keys: known.keys, witnesses });
  const pinned = known.keys[0] === undefined ? "" : formatNoteKey(known.keys[0].key);
  if (known.origin === origin && pinned === first.key) return { policy };
  const path = knownLogsPath(cli.dataFolder());
  const why =
    known.origin === origin
      ? `the log's first key is \`${first.key}\`, and \`${pinned}\` was pinned: this is another log under the same name`
      : `the log is called \`${origin}\`, and was called \`${known.origin}\` when it was last verified`;
  return {
    policy,
    changed: {
      ok: false,
      code: "untrusted",
      at: 0,
      until: 1,
      why: `${why}; only if it was begun anew on purpose, remove its entry from \`${path}\``,
    },
  };
}

/** A key as it stood where the records begin; what became of it later, they say. */
function logKeyAt({ key, from, until }: MirroredLog["keys"]["keys"][number], base: number): LogKey {
  return { key: parseNoteKey(key), from, until: until === undefined || until >= base ? undefined : until };
}

/** Checkpoints of a log that has none, in the places that the options name. @throws LedgerError when such a place has none either. */
async function keptElsewhere(cli: Cli, broker: BrokerClient, tenant: string, { against = [] }: VerifyOptions): Promise<number> {
  if (against.length === 0) return 0;
  const { origin } = await broker.get(`/audit/logs/${encodeURIComponent(tenant)}/keys`, logKeysSchema);
  return against.flatMap((place) => checkpointsAt(resolve(cli.io.cwd, place), origin)).length;
}

function emptyReport(known: KnownLog | undefined, elsewhere: number): Report {
  if (elsewhere > 0) {
    const why = `the log has no checkpoint, and ${elsewhere} of it are kept elsewhere: it was deleted or set back`;
    return faultReport({ ok: false, code: "truncated", at: 0, until: 1, why }, known?.origin);
  }
  if (known === undefined)
    return {
      ok: true,
      text: "no checkpoint yet: there are no records, or the first is less than a second old\n",
      json: { ok: true, size: 0 },
    };
  const why = `the log has no checkpoint, and had one when it was verified at ${known.verifiedAt}`;
  return faultReport({ ok: false, code: "truncated", at: 0, until: 1, why }, known.origin);
}
