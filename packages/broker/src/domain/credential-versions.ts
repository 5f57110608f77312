import type { ChangeRefusal, CredentialInfo, CredentialState } from "./credential.ts";

/** What the rules below look at. */
export interface VersionState {
  readonly version: number;
  readonly state: CredentialState;
  readonly activatedAt?: Date | undefined;
  readonly graceUntil?: Date | undefined;
}

export type Planned<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly why: ChangeRefusal };

/** The number of a new version; only one waits at a time, so that `activate` is never about another one than was verified. */
export function planStage(versions: readonly VersionState[]): Planned<{ readonly version: number }> {
  if (versions.some(({ state }) => state === "pending")) return { ok: false, why: "pending_exists" };
  return { ok: true, version: nextVersion(versions) };
}

export function nextVersion(versions: readonly VersionState[]): number {
  return Math.max(0, ...versions.map(({ version }) => version)) + 1;
}

/**
 * Which version becomes `previous` when `version` becomes active.
 * INVARIANT: versions only go forward. An older value comes back as a new version or not at all, so a lower active version than one
 * seen before is always a row that somebody put back.
 */
export function planActivate(versions: readonly VersionState[], version: number): Planned<{ readonly replaces: VersionState | undefined }> {
  const found = versions.find((each) => each.version === version);
  if (found === undefined) return { ok: false, why: "no_such_version" };
  if (found.state !== "pending") return { ok: false, why: "not_pending" };
  if (versions.some((each) => each.version > version && each.activatedAt !== undefined)) return { ok: false, why: "superseded" };
  return { ok: true, replaces: versions.find(({ state }) => state === "active") };
}

export function planRevoke(versions: readonly VersionState[], version: number): Planned<object> {
  const found = versions.find((each) => each.version === version);
  if (found === undefined) return { ok: false, why: "no_such_version" };
  return found.state === "revoked" ? { ok: false, why: "already_revoked" } : { ok: true };
}

/** Whether a call may use this version now. */
export function opens({ state, graceUntil }: VersionState, now: Date): boolean {
  switch (state) {
    case "active":
      return true;
    case "previous":
      return graceUntil !== undefined && graceUntil > now;
    case "pending":
    case "revoked":
      return false;
  }
}

/** Replaced versions whose grace is over and whose values still exist. */
export function lapsed(versions: readonly CredentialInfo[], now: Date): readonly CredentialInfo[] {
  return versions.filter((each) => each.state === "previous" && !opens(each, now));
}
