import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  checkpointsIn,
  LedgerError,
  type LogPolicy,
  openSequenceProof,
  openTlogProof,
  originOfFolder,
  originOfProof,
  policyOfLog,
  TLOG_PROOF_HEADER,
  type TrustPolicy,
  verifyFolder,
} from "../src/index.ts";
import { filesBelow, folderOnDisk, textsOfFile } from "./disk.ts";
import { faultReport, printable, provenReport, recordReport, type Report, sequenceReport } from "./report.ts";
import { type TrustOptions, trustOf, WrongUsage } from "./trust.ts";

/** The process around the program. */
export interface LedgerIo {
  readonly cwd: string;
  out(text: string): void;
  err(text: string): void;
}

/** Files of proofs beyond this are not read. */
const MAX_PROOF_BYTES = 256 * 1024 * 1024;

const USAGE = `usage: bailiwick-ledger verify <folder> (--key <key>... | --policy <file>) [options]
       bailiwick-ledger verify-proof <file> (--key <key>... | --policy <file>) [options]

verifies an export of a log, or a proof out of it, offline and without trusting whoever wrote it

  --key <key>           a key of the log, as its operator gives it; may be given again. For a folder the first is enough, its records
                        introduce the others; a proof needs the key that signed it
  --policy <file>       keys, witnesses and quorum in one file (C2SP tlog-policy)
  --witness <key>       a witness's key; may be given again
  --witness-quorum <n>  how many of the witnesses must have cosigned (default: all of them, or as the policy says)
  --against <path>      checkpoints kept in a second place: a file, or a folder of files; may be given again
  --json                one JSON document on stdout

exit codes: 0 proven, 1 not proven, 2 wrong usage, 3 a fault
`;

/** Runs one command line, without `node` and the script. Data goes to `out`, talk to `err`. Returns the exit code. */
export function runLedger(argv: readonly string[], io: LedgerIo): number {
  const json = argv.includes("--json");
  const fail = (code: number, name: string, message: string): number => {
    io.err(json ? `${JSON.stringify({ error: { code: name, message } })}\n` : `error: ${printable(message)}\n`);
    return code;
  };
  try {
    const report = run(argv, io);
    if (report === undefined) {
      io.out(USAGE);
      return EXIT.proven;
    }
    io.out(json ? `${JSON.stringify(report.json)}\n` : report.text);
    return report.ok ? EXIT.proven : EXIT.notProven;
  } catch (error) {
    if (error instanceof WrongUsage) return fail(EXIT.usage, "usage", `${error.message} (see \`--help\`)`);
    return fail(EXIT.fault, "fault", error instanceof Error ? error.message : "the program failed");
  }
}

function run(argv: readonly string[], io: LedgerIo): Report | undefined {
  const { values, positionals } = parsed(argv);
  if (values.help === true) return undefined;
  const [command, path, ...more] = positionals;
  if ((command !== "verify" && command !== "verify-proof") || path === undefined || more.length > 0)
    throw new WrongUsage("the command is `verify <folder>` or `verify-proof <file>`");
  const trust = trustOf(values, io.cwd);
  const target = resolve(io.cwd, path);
  if (command === "verify-proof") return proofReport(target, trust);
  return folderReport(
    target,
    trust,
    (values.against ?? []).map((one) => resolve(io.cwd, one)),
  );
}

function folderReport(path: string, trust: TrustPolicy, against: readonly string[]): Report {
  const folder = folderOnDisk(path);
  let origin: string | undefined;
  try {
    origin = onlyLogOf(trust) ?? originOfFolder(folder);
    const policy = policyFor(trust, origin);
    const also = against.flatMap((place) => checkpointsAt(place, policy.origin));
    const verdict = verifyFolder(folder, { policy, also });
    return verdict.ok ? provenReport(verdict, against.length > 0 ? also.length : undefined) : faultReport(verdict, origin);
  } catch (error) {
    return refused(error, origin);
  }
}

function proofReport(path: string, trust: TrustPolicy): Report {
  const text = readProof(path);
  let origin: string | undefined;
  try {
    origin = originOfProof(text);
    const policy = policyFor(trust, origin);
    return text.startsWith(TLOG_PROOF_HEADER) ? recordReport(openTlogProof(text, policy)) : sequenceReport(openSequenceProof(text, policy));
  } catch (error) {
    return refused(error, origin);
  }
}

/** The log that is pinned, when it is one: then nothing the folder says of itself is needed to choose. */
function onlyLogOf({ logs }: TrustPolicy): string | undefined {
  const [first, ...others] = new Set(logs.map(({ key }) => key.name));
  return others.length === 0 ? first : undefined;
}

/** A pinned log that is not this one is what was asked to be checked, and a policy that nobody could meet is the caller's. */
function policyFor(trust: TrustPolicy, origin: string): LogPolicy {
  try {
    return policyOfLog(trust, origin);
  } catch (error) {
    if (error instanceof RangeError) throw new WrongUsage(error.message, { cause: error });
    throw error;
  }
}

/** The checkpoints of a log that a file, or the files of a folder, hold. @throws LedgerError `untrusted` when there are none. */
export function checkpointsAt(place: string, origin: string): readonly string[] {
  const found: string[] = [];
  for (const file of filesBelow(place)) for (const text of textsOfFile(file)) found.push(...checkpointsIn(text, origin));
  if (found.length === 0)
    throw new LedgerError("untrusted", `\`${place}\` holds no checkpoint of log \`${origin}\`: name the file or folder that keeps them`);
  return found;
}

function readProof(path: string): string {
  const bytes = readFileSync(path);
  if (bytes.byteLength > MAX_PROOF_BYTES) throw new WrongUsage(`\`${path}\` is larger than ${MAX_PROOF_BYTES} bytes and no proof`);
  return bytes.toString("utf8");
}

function refused(error: unknown, origin: string | undefined): Report {
  if (error instanceof LedgerError) return faultReport({ ok: false, code: error.code, at: 0, until: 1, why: error.message }, origin);
  throw error;
}

function parsed(argv: readonly string[]): { values: TrustOptions & { against?: string[]; help?: boolean }; positionals: string[] } {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        key: { type: "string", multiple: true },
        policy: { type: "string" },
        witness: { type: "string", multiple: true },
        "witness-quorum": { type: "string" },
        against: { type: "string", multiple: true },
        json: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : "the options were not understood", { cause: error });
  }
}

const EXIT = { proven: 0, notProven: 1, usage: 2, fault: 3 } as const;
