import type { ChangeRefusal, VersionRef } from "../../domain/credential.ts";

/** Why a change of versions was not made, in words. */
export function changeDetail(why: ChangeRefusal, { name, version }: VersionRef): string {
  switch (why) {
    case "no_such_version":
      return `\`${name}\` has no version ${version} here that could be used`;
    case "not_pending":
      return `version ${version} of \`${name}\` does not wait to be activated`;
    case "pending_exists":
      return `a version of \`${name}\` waits already; activate it or revoke it first`;
    case "already_revoked":
      return `version ${version} of \`${name}\` is revoked already`;
    case "superseded":
      return `a newer version of \`${name}\` was in use, and versions only go forward; stage the value again`;
  }
}
