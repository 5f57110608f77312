import type { KeeperAnswer } from "../../domain/credential-keeper.ts";
import { Problem } from "./problem.ts";

/** What a person is told when a change of a credential is not made. */
export function refusedChange(name: string, { why, detail }: Extract<KeeperAnswer, { ok: false }>): Problem {
  switch (why) {
    case "no_such_version":
      return new Problem("not_found", detail, ["run `bailiwick secrets list` to see the versions there are"]);
    case "too_short":
      return new Problem("malformed_request", detail, ["use a longer value"]);
    case "not_verified":
      return new Problem("credential_not_verified", detail, [
        "correct the value or the tool and try again",
        "or use it untried with `--without-verification`; the log will say so",
      ]);
    case "cannot_verify":
      return new Problem("credential_not_verified", detail, ["use it untried with `--without-verification`; the log will say so"]);
    case "not_pending":
    case "pending_exists":
    case "already_revoked":
    case "superseded":
      return new Problem("credential_conflict", detail, [`run \`bailiwick secrets list\` to see how the versions of \`${name}\` stand`]);
    case "in_grace":
    case "rotation_busy":
      return new Problem("credential_conflict", detail, ["try again later"]);
    case "not_rotatable":
    case "kept_elsewhere":
      return new Problem("credential_conflict", detail, ["see docs/guide/credentials.md"]);
  }
}
