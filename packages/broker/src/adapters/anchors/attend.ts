import type { NoteKey } from "@bailiwick/ledger";
import { type Anchor, type Anchored, AnchorFault, type ProveGrowth } from "../../domain/anchor.ts";
import type { LogEvidence } from "../../domain/evidence.ts";
import { compare, type Finding, type FindingKind, lostBy } from "./finding.ts";
import { missingLines } from "./growth.ts";

export interface AttendPorts {
  readonly evidence: Pick<LogEvidence, "origin" | "keys" | "newest" | "proveGrowth" | "cosigned">;
  raise(finding: Finding): void;
}

/** What this process knows an anchor to have of a log. */
export interface AnchorMemory {
  held: Anchored | undefined;
  /** Size of the log's newest checkpoint when it was last looked at. */
  logSize: number;
}

/** How one look at one log went. */
export interface Attended {
  readonly fault?: string;
  readonly finding?: FindingKind;
  readonly unreachable?: boolean;
}

/** One log at one anchor: compare what it holds with the log, then bring it up to date. @throws AnchorFault, and what reading the log throws. */
export async function attend(ports: AttendPorts, anchor: Anchor, tenant: string, memory: AnchorMemory): Promise<Attended> {
  const origin = ports.evidence.origin(tenant);
  const shown = await newestOf(anchor, origin, tenant);
  if ("message" in shown) return alarmed(ports, shown);
  // Read after the anchor: whatever an anchor holds was in the log before, so a smaller log now is a smaller log.
  const log = await ports.evidence.newest(tenant);
  memory.logSize = log?.size ?? 0;
  const prove: ProveGrowth = (from, to) => ports.evidence.proveGrowth(tenant, from, to);
  const before = memory.held;
  const held = larger(shown.held, before);
  const keys = await keysOf(ports, tenant);
  const finding = held === undefined ? undefined : await compare({ tenant, anchor, held, log, keys, prove });
  if (finding !== undefined) return alarmed(ports, finding);
  const lost = before !== undefined && isLost(anchor, shown.held, before) ? lostBy(tenant, anchor, before, shown.held) : undefined;
  if (lost !== undefined) ports.raise(lost);
  memory.held = held;
  const present = anchor.kind === "webhook" ? before : shown.held;
  const failed = log === undefined ? undefined : await bringUpToDate(ports, { anchor, tenant, origin, log, present, prove });
  if (failed !== undefined) return failed;
  if (log !== undefined) memory.held = log;
  return lost === undefined ? {} : { fault: lost.message, finding: lost.kind };
}

/** What the anchor shows, or the finding that it is no longer what it was. */
async function newestOf(anchor: Anchor, origin: string, tenant: string): Promise<{ readonly held: Anchored | undefined } | Finding> {
  try {
    return { held: await anchor.newest(origin) };
  } catch (error) {
    if (!(error instanceof AnchorFault) || error.code !== "conflict") throw error;
    return conflict(tenant, anchor, error);
  }
}

interface Outdated {
  readonly anchor: Anchor;
  readonly tenant: string;
  readonly origin: string;
  readonly log: Anchored;
  /** What the anchor really has now. */
  readonly present: Anchored | undefined;
  readonly prove: ProveGrowth;
}

async function bringUpToDate(ports: AttendPorts, { anchor, tenant, origin, log, present, prove }: Outdated): Promise<Attended | undefined> {
  if (present !== undefined && present.size >= log.size) {
    // Another broker published it, or this one before it was restarted: the witness shows its cosignature again.
    const lines =
      anchor.kind === "witness" ? missingLines(present.note, log.note).filter((line) => !line.startsWith(`\u2014 ${origin} `)) : [];
    if (lines.length > 0) await ports.evidence.cosigned(tenant, log.size, lines);
    return undefined;
  }
  try {
    const lines = await anchor.publish(origin, log, prove);
    if (lines.length > 0) await ports.evidence.cosigned(tenant, log.size, lines);
    return undefined;
  } catch (error) {
    if (!(error instanceof AnchorFault) || error.code !== "conflict") throw error;
    const now = await ports.evidence.newest(tenant);
    // Another broker published a later checkpoint between our look and this one.
    if (now !== undefined && now.size > log.size)
      return { fault: `${anchor.name} took a later checkpoint meanwhile; this is looked at again` };
    return alarmed(ports, conflict(tenant, anchor, error));
  }
}

function alarmed(ports: AttendPorts, finding: Finding): Attended {
  ports.raise(finding);
  return { fault: finding.message, finding: finding.kind };
}

function conflict(tenant: string, anchor: Anchor, fault: AnchorFault): Finding {
  const message = `${anchor.name} does not take the log of \`${tenant}\`: ${fault.message}`;
  return { tenant, anchor: anchor.name, kind: "conflict", message };
}

/** A witness may show an older checkpoint than it cosigned (C2SP tlog-witness lets it lag); a webhook shows none. */
function isLost(anchor: Anchor, shown: Anchored | undefined, before: Anchored): boolean {
  return (anchor.kind === "file" || anchor.kind === "git") && (shown?.size ?? -1) < before.size;
}

function larger(left: Anchored | undefined, right: Anchored | undefined): Anchored | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return right.size > left.size ? right : left;
}

async function keysOf({ evidence }: AttendPorts, tenant: string): Promise<readonly NoteKey[]> {
  return (await evidence.keys(tenant)).map(({ key }) => key);
}
