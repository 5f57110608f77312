import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { canonicalize } from "@bailiwick/ledger";
import type { JsonObject } from "@bailiwick/policy";
import type { Receipt } from "../../domain/receipt.ts";
import { asAssertion, type stepUpSchema } from "./assertion-schema.ts";
import { CHALLENGE_MS, party } from "./ceremony.ts";
import { newSecret, rotateBrowserSession } from "./person-cookie.ts";
import type { RestPorts } from "./ports.ts";
import type { Principal } from "./principal.ts";
import { Problem } from "./problem.ts";
import { finishStepUp } from "./step-up.ts";

/** Acts on one's own account, or another's, that a person with a passkey signs. `subject` says on what. */
export const stepUpAct = z.strictObject({
  action: z.enum([
    "add_passkey",
    "remove_passkey",
    "regenerate_recovery_codes",
    "link_sso",
    "invite_owner",
    "remove_passkey_of",
    "erase_person",
    "erase_resource",
    "lift_hold",
    "retire_records",
  ]),
  subject: z.string().min(1).max(2_048),
});
export type StepUpAct = z.output<typeof stepUpAct>;

/** A sign-in this fresh may add a way to sign in although the person's passkeys are not at hand: they may be lost. */
export const RECENT_MS = 15 * 60 * 1000;

/** The document that a person signs for an act: who, what, where, and a nonce that makes it the only one of its kind. */
export function stepUpDocument(ports: Pick<RestPorts, "random" | "now" | "publicUrl">, person: string, act: StepUpAct): JsonObject {
  const { origin } = party(ports);
  const expiresAt = new Date(ports.now().getTime() + CHALLENGE_MS).toISOString();
  return { type: "bailiwick.step-up.v1", ...act, person, origin, nonce: newSecret(ports), expiresAt };
}

/** What an act's endpoint was sent: the request, who asks, the act, and the signature if there is one. */
interface Signing {
  readonly context: Context;
  readonly principal: Principal;
  readonly act: StepUpAct;
  readonly given: z.output<typeof stepUpSchema> | undefined;
}

/**
 * Does `work` once this act is signed by a person who has a passkey, and then gives their browser a new sign-in token. `work` gets the
 * receipt, or undefined when none is demanded: the operator key signs nothing, and neither does a person without a passkey, who must have
 * signed in just now instead.
 * @throws Problem `step_up_required`, `step_up_mismatch`, `step_up_used`, `ceremony_refused`.
 */
export async function withStepUp<T>(ports: RestPorts, signing: Signing, work: (receipt: Receipt | undefined) => Promise<T>): Promise<T> {
  const receipt = await receiptOf(ports, signing);
  const done = await work(receipt);
  // Last, because an answer that is a problem carries no cookie: the browser would be left with a token that opens nothing.
  if (receipt !== undefined) await rotateBrowserSession(ports, signing.context, signing.principal);
  return done;
}

/**
 * The same for adding a way to sign in. Whoever signed in otherwise than by passkey may have lost theirs, so a fresh sign-in suffices.
 * @throws Problem as `withStepUp`.
 */
export async function withFreshOrStepUp<T>(
  ports: RestPorts,
  signing: Signing,
  work: (receipt: Receipt | undefined) => Promise<T>,
): Promise<T> {
  return signing.given === undefined && (await isFresh(ports, signing.principal)) ? work(undefined) : withStepUp(ports, signing, work);
}

async function receiptOf(ports: RestPorts, { principal, act, given }: Signing): Promise<Receipt | undefined> {
  if (principal.kind === "operator") return undefined;
  const { id } = principal.person;
  if (given === undefined) {
    if ((await ports.signIn.passkeys.list(id)).length === 0) return requireFresh(ports, principal);
    throw new Problem("step_up_required", "this takes a signature by one of your passkeys over exactly this act", [
      "ask `POST /api/v1/account/step-ups` what to sign, and send the signature along",
    ]);
  }
  const { document } = given;
  if (document["action"] !== act.action || document["subject"] !== act.subject || document["person"] !== id) {
    throw new Problem("step_up_mismatch", "the signature is over another act than this one", ["begin again and sign what is shown then"]);
  }
  if (!hasCanonicalForm(document)) {
    throw new Problem("step_up_mismatch", "the document has no canonical form", ["send it as it was handed out"]);
  }
  return finishStepUp(ports, id, document, asAssertion(given.assertion));
}

/** Who has no passkey shows that they are at hand by having signed in just now. @throws Problem `step_up_required`. */
async function requireFresh(ports: RestPorts, principal: Principal): Promise<undefined> {
  if (await isFresh(ports, principal)) return undefined;
  throw new Problem("step_up_required", "you have no passkey to sign this with, so it takes a sign-in of the last 15 minutes", [
    "sign out, sign in again, and do it then",
  ]);
}

async function isFresh(ports: RestPorts, principal: Principal): Promise<boolean> {
  if (principal.kind !== "person" || principal.via === "passkey") return false;
  const sessions = await ports.people.listSessions(principal.person.id, ports.now(), principal.tokenHash);
  const own = sessions.find((session) => session.current);
  return own !== undefined && ports.now().getTime() - own.createdAt.getTime() < RECENT_MS;
}

function hasCanonicalForm(document: JsonObject): boolean {
  try {
    canonicalize(document);
    return true;
  } catch {
    return false;
  }
}
