import { LedgerError, type NoteKey } from "@bailiwick/ledger";
import type { Anchor, Anchored, ProveGrowth } from "../../domain/anchor.ts";
import { isSignedBy, standing } from "./growth.ts";

/**
 * What is wrong between a log and an anchor. `tail_cut`: the log is smaller than what it signed · `split_view`: it is another log ·
 * `unproven`: it cannot show that it grew out of what the anchor holds · `foreign`: the anchor holds what no key of the log signed ·
 * `lost`: the anchor forgot · `conflict`: the anchor itself refuses to go on.
 */
export type FindingKind = "tail_cut" | "split_view" | "unproven" | "foreign" | "lost" | "conflict";

/** An alarm: somebody has to look. */
export interface Finding {
  readonly tenant: string;
  readonly anchor: string;
  readonly kind: FindingKind;
  /** What was found, what it means and what to do. */
  readonly message: string;
}

export interface Comparison {
  readonly tenant: string;
  readonly anchor: Anchor;
  readonly held: Anchored;
  /** The newest checkpoint of the log, read after `held`. */
  readonly log: Anchored | undefined;
  /** All keys of the log, also those that were retired. */
  readonly keys: readonly NoteKey[];
  readonly prove: ProveGrowth;
}

/** What is wrong, if anything. @throws whatever reading the log throws. */
export async function compare({ tenant, anchor, held, log, keys, prove }: Comparison): Promise<Finding | undefined> {
  const found = (kind: FindingKind, message: string): Finding => ({ tenant, anchor: anchor.name, kind, message });
  const subject = `the log of \`${tenant}\``;
  const its = `${anchor.name} holds a signed checkpoint of size ${held.size}`;
  if (log === undefined) return found("tail_cut", `${subject} is empty, and ${its}: it was deleted or set back; ${KEEP}`);
  if (!isSignedBy(held.note, keys))
    return found(
      "foreign",
      `${anchor.name} holds a checkpoint of ${subject} that no key of it signed: the log was replaced, or somebody else writes there; ${KEEP}`,
    );
  try {
    switch (await standing(held, log, prove)) {
      case "same":
      case "behind":
        return undefined;
      case "ahead":
        return found(
          "tail_cut",
          `${subject} has ${log.size} records, and ${its}: its end was cut off or it was set back to an older copy; ${KEEP}`,
        );
      case "fork":
        return found("split_view", `${subject} at size ${log.size} does not go on from what it was: ${its} of other records; ${KEEP}`);
    }
  } catch (error) {
    // The store says of whatever fails that it could not answer; hashes that are missing from it are another matter.
    const cause = error instanceof Error && error.cause instanceof LedgerError ? error.cause : error;
    if (!(cause instanceof LedgerError)) throw error;
    return found(
      "unproven",
      `${subject} cannot prove that it goes on from size ${held.size}, which ${anchor.name} holds (${cause.message}); ${KEEP}`,
    );
  }
}

/** An anchor that has less than it once showed. */
export function lostBy(tenant: string, anchor: Anchor, before: Anchored, now: Anchored | undefined): Finding {
  const has = now === undefined ? "nothing" : `size ${now.size}`;
  const message = `${anchor.name} held size ${before.size} of the log of \`${tenant}\` and now holds ${has}: find out who removed it; checkpoints are sent there again`;
  return { tenant, anchor: anchor.name, kind: "lost", message };
}

const KEEP = "keep the database and the anchor as they are, and compare both with `bailiwick audit verify`";
