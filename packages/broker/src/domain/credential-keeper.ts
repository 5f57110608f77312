import { BROKER, type Doer } from "./admin-record.ts";
import type { ChangeRefusal, CredentialBinding, CredentialInfo, CredentialPlace, VersionRef } from "./credential.ts";

/** Who changes a credential, for the record. */
export interface Actor {
  readonly by: Doer;
  readonly via: string;
}

/** The broker itself, at the time its plan says. */
export const SCHEDULE: Actor = { by: BROKER, via: "schedule" };

/** What came of trying a version out at the tools that use it. `why` is for people and holds no secret. */
export type Trial =
  | { readonly outcome: "verified"; readonly tools: readonly string[] }
  | { readonly outcome: "failed"; readonly why: string }
  | { readonly outcome: "impossible"; readonly why: string };

export type KeeperRefusal =
  | ChangeRefusal
  | "not_verified"
  | "cannot_verify"
  | "not_rotatable"
  | "rotation_busy"
  | "in_grace"
  | "kept_elsewhere"
  | "too_short";

/** `detail` says what and why; the caller adds what to do next. */
export type KeeperAnswer =
  | { readonly ok: true; readonly info: CredentialInfo; readonly trial?: Trial | undefined }
  | { readonly ok: false; readonly why: KeeperRefusal; readonly detail: string };

export interface NewValue {
  readonly name: string;
  readonly binding: CredentialBinding;
  readonly value: string;
  readonly login?: string | undefined;
}

/** A version as people see it: where its value comes from and when it is due. */
export interface KeptCredential extends Omit<CredentialInfo, "state" | "createdAt" | "origin"> {
  /** `missing`, `unreadable`: the source outside the store has none, or does not give it. */
  readonly state: CredentialInfo["state"] | "missing" | "unreadable";
  readonly source: string;
  readonly createdAt?: Date | undefined;
  readonly dueAt?: Date | undefined;
  readonly overdue: boolean;
}

/** What people and the schedule do with credentials: every step is a record first, then a change; nothing of it shows a value. */
export interface CredentialKeeper {
  list(tenant: string): Promise<readonly KeptCredential[]>;
  /** A first version is active at once; a later one is staged, tried out and activated, or nothing changes. `verify: false`: not tried, and recorded so. */
  set(actor: Actor, value: NewValue, options: { readonly verify: boolean }): Promise<KeeperAnswer>;
  stage(actor: Actor, value: NewValue): Promise<KeeperAnswer>;
  /** Tries a version out at the tools that use it; changes nothing. */
  verify(actor: Actor, ref: VersionRef): Promise<KeeperAnswer>;
  activate(actor: Actor, ref: VersionRef, options: { readonly verify: boolean }): Promise<KeeperAnswer>;
  revoke(actor: Actor, ref: VersionRef): Promise<KeeperAnswer>;
  /** Makes, tries and activates a new version of a credential whose kind the broker can renew itself. */
  rotate(actor: Actor, place: CredentialPlace): Promise<KeeperAnswer>;
  /** Ends replaced versions whose grace is over, and rotates what is due. Returns what could not be done, for the operator's log. */
  tend(tenant: string): Promise<readonly string[]>;
}
