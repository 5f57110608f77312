import type { Challenge } from "./fault.ts";
import type { Session } from "./session.ts";

/** Where a credential may be used; all must match. `hosts` empty means: stdio tools only. */
export interface CredentialBinding {
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
  readonly hosts: readonly string[];
}

/** One credential at one binding; its versions follow each other. */
export interface CredentialPlace {
  readonly name: string;
  readonly tenant: string;
  readonly environment: string;
  readonly workflow: string;
}

export interface VersionRef extends CredentialPlace {
  readonly version: number;
}

/**
 * `pending`: stored, used by no call. `active`: what calls use; at most one per place. `previous`: replaced, still opens for calls
 * that began with it, until its grace ends. `revoked`: its value is destroyed; only its history is left.
 */
export type CredentialState = "pending" | "active" | "previous" | "revoked";

/** How a version came to be active. `initial`: there was none to replace. `skipped`: a person said that it cannot or need not be tried. */
export type Verification = "verified" | "skipped" | "initial";

export interface CredentialInfo extends CredentialBinding {
  readonly name: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly state: CredentialState;
  readonly origin: "person" | "rotation";
  readonly activatedAt?: Date | undefined;
  readonly verification?: Verification | undefined;
  /** Of a `previous` version: from then on it does not open. */
  readonly graceUntil?: Date | undefined;
}

/** An opened credential. `value` and `alsoSecret` must reach nothing but egress and the scrubber. */
export interface OpenCredential extends CredentialBinding {
  readonly name: string;
  readonly version: number;
  readonly value: string;
  /** The login this value belongs to, when it differs by version (rotated database roles). */
  readonly login?: string | undefined;
  /** Values of the place's other versions that still exist: a tool may know them too, so results are cleaned of them as well. */
  readonly alsoSecret: readonly string[];
}

/** Why a change of versions is not made; nothing is changed then. */
export type ChangeRefusal = "no_such_version" | "not_pending" | "pending_exists" | "already_revoked" | "superseded";

export type Changed = { readonly ok: true; readonly info: CredentialInfo } | { readonly ok: false; readonly why: ChangeRefusal };

/** Called with what is about to be committed; when it throws, nothing is changed. A record of a change that then fails to commit may stay. */
export type RecordChange = (info: CredentialInfo) => Promise<void>;

export interface StoreOptions {
  readonly login?: string | undefined;
  readonly origin?: CredentialInfo["origin"] | undefined;
  readonly record?: RecordChange | undefined;
}

/** Opens credentials, wherever their values come from. */
export interface CredentialOpener {
  /**
   * The active version bound to exactly this tenant, environment and workflow (`*` bindings of environment and workflow count when no
   * exact one was ever in use). With `version`: that one, while it is active or in its grace.
   * Undefined when there is none. @throws Fault `credential_unavailable` when it cannot be opened.
   * `session` is whose call it is for; a credential that speaks for its user (`from: partner:...`) is opened for that session.
   */
  open(
    name: string,
    at: { readonly tenant: string; readonly environment: string; readonly workflow: string; readonly session?: Session | undefined },
    version?: number,
  ): Promise<OpenCredential | undefined>;
  /**
   * Told that a tool did not take what was opened here, or wants more of it: what is remembered of it is not used again.
   * Returns what a caller is told of it, when there is something to say.
   */
  refused?(name: string, at: Parameters<CredentialOpener["open"]>[1], challenge?: Challenge): string | undefined;
}

/** What the call path knows of credentials. */
export interface CallCredentials extends CredentialOpener {
  /** See `HeldSecrets.of`: all values of the tenant, whichever credential they belong to. */
  held(tenant: string): Promise<readonly string[]>;
}

/**
 * Envelope encryption: root key -> tenant key -> version key; AES-256-GCM, AAD = tenant|environment|workflow|name|version.
 * A version's state is authenticated with the tenant key, so that a changed row does not bring back an old version.
 */
export interface CredentialStore extends CredentialOpener {
  /** A new version, active at once; the one before stays valid for `graceMs` (default one hour). */
  put(
    name: string,
    binding: CredentialBinding,
    value: string,
    options?: StoreOptions & { readonly graceMs?: number; readonly verification?: Verification },
  ): Promise<CredentialInfo>;
  /** A new version that no call uses yet. */
  stage(name: string, binding: CredentialBinding, value: string, options?: StoreOptions): Promise<Changed>;
  /** The pending version becomes the active one, which becomes `previous` for `graceMs`. */
  activate(
    ref: VersionRef,
    options: { readonly verification: Verification; readonly graceMs: number; readonly record?: RecordChange | undefined },
  ): Promise<Changed>;
  /** Destroys the value. Revoking the active version leaves none: calls are refused until another is active. */
  revoke(ref: VersionRef, options?: { readonly record?: RecordChange | undefined }): Promise<Changed>;
  /** One version in whatever state but `revoked`, to try it out. */
  openVersion(ref: VersionRef): Promise<OpenCredential | undefined>;
  list(tenant: string): Promise<readonly CredentialInfo[]>;
  /** Runs `work` while no other broker does so for this place; undefined when another one is at it. */
  exclusively<T>(place: CredentialPlace, work: () => Promise<T>): Promise<{ readonly value: T } | undefined>;
}

/** Whether a version belongs to a place. */
export function isAt(info: CredentialPlace, place: CredentialPlace): boolean {
  return (
    info.name === place.name && info.tenant === place.tenant && info.environment === place.environment && info.workflow === place.workflow
  );
}

/** A replaced version opens this long when nothing else is said: longer than any call runs. */
export const DEFAULT_GRACE_MS = 3_600_000;

/** A credential whose versions changed, here or on another broker; undefined when such a notice may have been missed: forget all. */
export type CredentialChange = { readonly tenant: string; readonly name: string } | undefined;

export interface CredentialFeed {
  /** Returns the function that stops listening. */
  onCredentialChanged(listener: (change: CredentialChange) => void): () => void;
}
