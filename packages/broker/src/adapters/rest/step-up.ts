import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  type PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/server";
import type { JsonObject } from "@bailiwick/policy";
import { type Receipt, stepUpChallenge } from "../../domain/receipt.ts";
import { CHALLENGE_MS, type CeremonyPorts, party, verifyAssertion } from "./ceremony.ts";
import { passkeyJwk } from "./passkey-key.ts";
import { Problem } from "./problem.ts";

/**
 * Asks a person to sign exactly this document with a passkey of theirs: the challenge is the SHA-256 of its canonical form.
 * The document must hold something that makes it the only one of its kind, such as a nonce or an approval's id.
 * @throws Problem `passkey_required`, `passkeys_unavailable`.
 */
export async function beginStepUp(
  ports: CeremonyPorts,
  person: string,
  document: JsonObject,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { rpId } = party(ports);
  const passkeys = await ports.signIn.passkeys.list(person);
  if (passkeys.length === 0) {
    throw new Problem("passkey_required", `\`${person}\` has no passkey to sign this with`, ["register one on the account page"]);
  }
  const challenge = stepUpChallenge(document);
  await ports.signIn.challenges.put({
    challenge,
    purpose: "step-up",
    person,
    expiresAt: new Date(ports.now().getTime() + CHALLENGE_MS),
  });
  return generateAuthenticationOptions({
    rpID: rpId,
    challenge: new Uint8Array(Buffer.from(challenge, "base64url")),
    timeout: CHALLENGE_MS,
    userVerification: "required",
    allowCredentials: passkeys.map(({ id, transports }) => ({ id, transports: [...transports] })),
  });
}

/**
 * Accepts a person's signature over this document, once. The receipt proves it to anybody (`verifyReceipt`).
 * @throws Problem `step_up_used` (a replay), `step_up_mismatch` (another document, person or too late), `ceremony_refused` (signature).
 */
export async function finishStepUp(
  ports: CeremonyPorts,
  person: string,
  document: JsonObject,
  assertion: AuthenticationResponseJSON,
): Promise<Receipt> {
  const challenge = stepUpChallenge(document);
  const found = await ports.signIn.challenges.take(challenge, ports.now());
  if (found === "used") {
    throw new Problem("step_up_used", "this signature was used already; each is good for one act", ["begin again and sign once more"]);
  }
  if (found === undefined || found.purpose !== "step-up" || found.person !== person) {
    throw new Problem("step_up_mismatch", "this is not what the person was asked to sign, or it took too long", [
      "begin again and sign what is shown then",
    ]);
  }
  const passkey = await verifyAssertion(ports, assertion, challenge, person);
  const publicKey = passkeyJwk(passkey.publicKey);
  if (publicKey === undefined) throw new Problem("ceremony_refused", "the passkey's key cannot be read", ["use another passkey"]);
  const { clientDataJSON, authenticatorData, signature } = assertion.response;
  return { document, credentialId: passkey.id, clientDataJSON, authenticatorData, signature, publicKey, at: ports.now().toISOString() };
}
