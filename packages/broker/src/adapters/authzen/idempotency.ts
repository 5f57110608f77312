import { digest } from "@bailiwick/ledger";
import type { Json } from "@bailiwick/policy";
import type { OAuthEntityStore } from "../../domain/oauth-entity.ts";
import type { Session } from "../../domain/session.ts";
import { AccessRequestProblem } from "./problems.ts";

/** A retry that comes later than this is a new request. */
const KEPT_MS = 24 * 60 * 60_000;

export interface IdempotencyPorts {
  now(): Date;
  readonly entities: Pick<OAuthEntityStore, "find" | "putNew">;
}

/**
 * Does `first` once for an `Idempotency-Key` of this agent, and `again` with the id of what it made for every repetition, on whichever broker
 * (draft-ietf-httpapi-idempotency-key-header). What is asked is itself kept once, so two at the same time make one thing.
 * @throws AccessRequestProblem `duplicate_request` when the key was used for another body.
 */
export async function remembered<T extends { readonly id: string }>(
  { entities, now }: IdempotencyPorts,
  { tenant, agent, user, task }: Session,
  key: string | undefined,
  body: Json,
  work: { readonly first: () => Promise<T>; readonly again: (id: string) => Promise<T> },
): Promise<T> {
  if (key === undefined) return work.first();
  if (key.length > MAX_KEY_CHARS)
    throw new AccessRequestProblem("malformed_request", `an \`Idempotency-Key\` has at most ${MAX_KEY_CHARS} characters`);
  const id = `access-request ${digest([tenant, agent, user.toWellFormed(), task.toWellFormed(), key])}`;
  const meant = digestOf(body);
  const known = await entities.find("ReplayDetection", id);
  if (known !== undefined) {
    if (known.payload["body"] !== meant)
      throw new AccessRequestProblem("duplicate_request", "this `Idempotency-Key` was used for another request; choose a new one for this");
    return work.again(String(known.payload["made"]));
  }
  const made = await work.first();
  await entities.putNew({
    kind: "ReplayDetection",
    id,
    payload: { body: meant, made: made.id },
    expiresAt: new Date(now().getTime() + KEPT_MS),
  });
  return made;
}

const MAX_KEY_CHARS = 256;

/** @throws AccessRequestProblem `malformed_request` when the body has no canonical form (RFC 8785). */
function digestOf(body: Json): string {
  try {
    return digest(body);
  } catch {
    throw new AccessRequestProblem("malformed_request", "the body holds a text that is not well-formed Unicode, or a number that is none");
  }
}
