import type { LogPolicy } from "../checkpoint/policy.ts";
import { earliest, faultAt } from "../export/progress.ts";
import type { ExportFault } from "../export/types.ts";
import { exportVerifier } from "../export/verify-export.ts";
import { LedgerError } from "../ledger-error.ts";
import { baseOf } from "./base.ts";
import { beforeBaseFault } from "./before-base.ts";
import { checkpointsOf } from "./checkpoints.ts";
import { factsCheck } from "./facts.ts";
import { readRecords } from "./records.ts";
import { leafHashesOf, tilesFault } from "./tile-files.ts";
import type { FolderVerdict, LogFolder } from "./types.ts";

/**
 * Verifies an export folder of one log offline (docs/spec/log-proofs.md, "An export folder"): its records with one bundle of them in memory, all
 * its checkpoints and those of `also`, its hash tiles, and the facts it discloses. Its own policy is not read.
 */
export function verifyFolder(folder: LogFolder, options: { readonly policy: LogPolicy; readonly also?: Iterable<string> }): FolderVerdict {
  try {
    return verify(folder, options.policy, [...(options.also ?? [])]);
  } catch (error) {
    if (error instanceof LedgerError) return faultAt(0, error.code, error.message);
    throw error;
  }
}

function verify(folder: LogFolder, policy: LogPolicy, also: readonly string[]): FolderVerdict {
  const { notes, sizes } = checkpointsOf(folder);
  const from = baseOf(folder);
  const first = from.frontier.size;
  const verifier = exportVerifier({ policy, checkpoints: [...notes, ...also], leafHashAt: leafHashesOf(folder, sizes), from });
  const facts = factsCheck(folder);
  let index = first;
  const loose = readRecords(folder, { first, sizes }, (text) => {
    facts.take(index, text);
    index += 1;
    return verifier.push(text);
  });
  const verdict = verifier.verdict();
  const shown = facts.finish(index);
  if (!verdict.ok) return sharpest(verdict, loose, "ok" in shown ? shown : undefined);
  const fault = earliest(loose, tilesFault(folder, { size: verdict.size, root: verdict.root, first }), "ok" in shown ? shown : undefined);
  if (fault !== undefined || !("disclosed" in shown)) return fault ?? faultAt(0, "facts", "the facts cannot be read");
  const earlier = beforeBaseFault(folder, { size: verdict.size, first }, { policy, own: notes, also });
  if (earlier !== undefined) return earlier;
  return { ...verdict, origin: policy.origin, first, disclosed: shown.disclosed };
}

/** What lies first. Of two faults at one place the files' own says more: a log that merely ends there looks cut off. */
function sharpest(verdict: ExportFault, loose: ExportFault | undefined, facts: ExportFault | undefined): ExportFault {
  const first = loose !== undefined && loose.at === verdict.at ? loose : verdict;
  return earliest(first, loose, facts) ?? verdict;
}
