/** Consistency hashes between two sizes of a log, smallest subtree first (RFC 6962 section 2.1.2). */
export type ProveGrowth = (from: number, to: number) => Promise<readonly Uint8Array[]>;

/** What an anchor has seen of a log. */
export interface Anchored {
  readonly size: number;
  /** The signed note it holds. */
  readonly note: string;
}

/**
 * A second place for checkpoints, out of reach of whoever owns the database: a witness, a file on another volume, a git remote, a webhook.
 * What it holds is compared with the log: a smaller log was cut, another root is a split view.
 */
export interface Anchor {
  /** Says which, in messages: `witness w.example`, `file /mnt/other/acme`. */
  readonly name: string;
  readonly kind: "witness" | "file" | "git" | "webhook";
  /** The newest checkpoint it holds; undefined when it holds none, or cannot be asked (a webhook). @throws AnchorFault */
  newest(origin: string): Promise<Anchored | undefined>;
  /**
   * Hands it a checkpoint of this size. A witness answers with its cosignature lines (C2SP tlog-cosignature, each `— name base64`); others with none.
   * @throws AnchorFault `unreachable`, `refused`, `conflict` when it holds something the log did not become.
   */
  publish(origin: string, checkpoint: Anchored, prove: ProveGrowth): Promise<readonly string[]>;
}

export type AnchorFaultCode = "unreachable" | "refused" | "conflict";

/** An anchor could not take a checkpoint. `conflict` is an alarm: the log and what the anchor holds are not one history. */
export class AnchorFault extends Error {
  override readonly name = "AnchorFault";
  readonly code: AnchorFaultCode;
  constructor(code: AnchorFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
