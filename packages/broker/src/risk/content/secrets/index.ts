import type { Finding } from "../finding.ts";
import type { Plain } from "../plain.ts";
import { findKeyed } from "./keyed.ts";
import { findPrefixed } from "./prefixed.ts";
import { findJwts, findPems, findUserInfos } from "./shaped.ts";

/** Secrets of any provider; those this broker holds itself are found by exact match (`call/scrub.ts`). */
export function findSecrets(plain: Plain): readonly Finding[] {
  return [findPrefixed, findJwts, findPems, findUserInfos, findKeyed].flatMap((find) => find(plain));
}
