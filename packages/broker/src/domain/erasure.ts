import type { ResourceName } from "./audit.ts";
import type { Doer } from "./admin-record.ts";

/** Who does it, and why. The reason lies sealed under the key of whoever gave it: do not name there whom it is about. */
export interface ErasureAct {
  readonly by: Doer;
  /** How they proved who they are. */
  readonly via?: string | undefined;
  readonly reason: string;
  /** Digest of the receipt of a step-up, when one was given; the record commits to it. */
  readonly receipt?: string | undefined;
}

/** What a legal hold keeps: nothing it covers is erased or retired while it stands. */
export type HoldScope =
  | { readonly kind: "everything" }
  /** By name when it is placed; a pseudonym when it is read and they are not known by name. */
  | { readonly kind: "person"; readonly person: string }
  /** The id is known only when it is placed; a hold that is read has the tag instead. */
  | { readonly kind: "resource"; readonly resource: ResourceName };

export interface LegalHold {
  readonly id: string;
  readonly tenant: string;
  readonly scope: HoldScope;
  /** The person who placed it by name, as long as they are known by it, or `operator`. */
  readonly by: string;
  /** Undefined once whoever gave it was erased. */
  readonly reason?: string | undefined;
  readonly at: Date;
  readonly liftedAt?: Date | undefined;
}

export interface LegalHolds {
  /** @returns undefined when the person was never recorded, or was erased. */
  place(tenant: string, scope: HoldScope, act: ErasureAct): Promise<LegalHold | undefined>;
  /** Those that stand, oldest first; `lifted` adds those that stood once. */
  list(tenant: string, options: { readonly lifted: boolean }): Promise<readonly LegalHold[]>;
  /** Returns false when no such hold stands. */
  lift(tenant: string, id: string, act: ErasureAct): Promise<boolean>;
}

/** Why nothing was destroyed. */
export type NotErased =
  | { readonly ok: false; readonly why: "held"; readonly hold: LegalHold }
  /** Calls for the person, or about the record, have begun and have no end yet. */
  | { readonly ok: false; readonly why: "calls_under_way"; readonly calls: readonly string[] }
  /** Nobody and nothing of this name is in the log, or it was erased already. */
  | { readonly ok: false; readonly why: "unknown" };

export interface ErasedPerson {
  readonly ok: true;
  /** What stands for them in the log for good. */
  readonly pseudonym: string;
  /** Records that begin a call of theirs. */
  readonly records: number;
  readonly sessions: number;
  readonly approvals: number;
}

export interface ErasedResource {
  readonly ok: true;
  readonly tag: string;
  /** Records whose facts were deleted. */
  readonly records: number;
}

/**
 * Makes what lies sealed beside records unreadable. The records themselves stay, and so does every proof. Each erasure is a record, written
 * before anything is destroyed.
 */
export interface Erasure {
  /**
   * Ends the person's sessions and held calls, then destroys their key, name and tag. `person` is a name or a pseudonym.
   * @throws Fault `log_unavailable` | `store_unavailable`; then nothing was destroyed.
   */
  erase(tenant: string, person: string, act: ErasureAct): Promise<ErasedPerson | NotErased>;
  /** Deletes the facts of all records about this record, once calls about it have ended, and held calls that would act on it. @throws Fault as `erase`. */
  eraseResource(tenant: string, resource: ResourceName, act: ErasureAct): Promise<ErasedResource | NotErased>;
}

/** Months of a log that can go. */
export interface RetirementPlan {
  /** Year and month, such as 202610, oldest first. */
  readonly months: readonly number[];
  /** Where the records begin now, and would begin afterwards: a multiple of 256. */
  readonly from: number;
  readonly to: number;
}

export type Retirement =
  | (RetirementPlan & { readonly ok: true })
  | { readonly ok: false; readonly why: "held"; readonly hold: LegalHold }
  | { readonly ok: false; readonly why: "broken"; readonly what: string }
  | { readonly ok: false; readonly why: "calls_under_way" };

/** Drops whole months of old records; the tree, its checkpoints and all later proofs stay. */
export interface Retention {
  /** Months that ended before this moment; undefined when there are none. Never the newest. */
  plan(tenant: string, before: Date): Promise<RetirementPlan | undefined>;
  /** Undefined when there is nothing to retire. @throws Fault `log_unavailable` | `store_unavailable`; what is then half done, the next run completes. */
  retire(tenant: string, before: Date, act: ErasureAct): Promise<Retirement | undefined>;
}
