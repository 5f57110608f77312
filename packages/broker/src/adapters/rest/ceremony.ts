import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import type { PersonConfig } from "@bailiwick/policy";
import type { ChallengePurpose, Passkey } from "../../domain/sign-in.ts";
import { PASSKEY_ALGORITHMS, passkeyJwk } from "./passkey-key.ts";
import { recordPerson } from "./person-record.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { relyingParty, type RelyingParty } from "./relying-party.ts";
import { secretHash } from "./signed-in.ts";

/** A challenge is answered at once or not at all; it covers fetching a phone and scanning a code. */
export const CHALLENGE_MS = 5 * 60 * 1000;
const CHALLENGE_BYTES = 32;

export type CeremonyPorts = Pick<RestPorts, "signIn" | "random" | "now" | "publicUrl" | "policy" | "log">;

/** @throws Problem `passkeys_unavailable` where browsers offer none. */
export function party(ports: Pick<RestPorts, "publicUrl">): RelyingParty {
  const found = relyingParty(ports.publicUrl);
  if (found !== undefined) return found;
  throw new Problem("passkeys_unavailable", `browsers offer no passkeys at \`${ports.publicUrl}\`: they need https and a name`, [
    "serve the broker behind https and start it with `--public-url https://<name>`",
  ]);
}

/** Begins registering a passkey of this person in this browser. `browser` is the ceremony cookie's value. */
export async function beginRegistration(
  ports: CeremonyPorts,
  person: PersonConfig,
  browser: string,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { rpId } = party(ports);
  const challenge = new Uint8Array(ports.random(CHALLENGE_BYTES));
  const known = await ports.signIn.passkeys.list(person.id);
  await put(ports, challenge, { purpose: "register", person: person.id, browser });
  return generateRegistrationOptions({
    rpName: "Bailiwick",
    rpID: rpId,
    userName: person.email,
    userDisplayName: person.name,
    userID: userHandle(person.id),
    challenge,
    timeout: CHALLENGE_MS,
    attestationType: "none",
    excludeCredentials: known.map(({ id, transports }) => ({ id, transports: [...transports] })),
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    supportedAlgorithmIDs: [...PASSKEY_ALGORITHMS],
  });
}

/**
 * Checks what the browser answered to `beginRegistration`. The passkey is not stored yet.
 * @throws Problem `ceremony_refused` when it is not valid, late, used before, or begun in another browser or for another person.
 */
export async function finishRegistration(
  ports: CeremonyPorts,
  person: string,
  browser: string | undefined,
  name: string,
  response: RegistrationResponseJSON,
): Promise<Passkey> {
  const { rpId, origin } = party(ports);
  const challenge = await taken(ports, response.response.clientDataJSON, { purpose: "register", person, browser });
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: rpId,
    requireUserVerification: true,
    supportedAlgorithmIDs: [...PASSKEY_ALGORITHMS],
  }).catch(() => ({ verified: false as const, registrationInfo: undefined }));
  if (!verified || registrationInfo === undefined) throw refused("the passkey that the browser made could not be verified");
  const { credential, credentialBackedUp } = registrationInfo;
  const publicKey = Buffer.from(credential.publicKey).toString("base64url");
  if (passkeyJwk(publicKey) === undefined) throw refused("the passkey's key is of a kind that is not accepted");
  return {
    id: credential.id,
    person,
    name,
    publicKey,
    counter: credential.counter,
    transports: credential.transports ?? [],
    backedUp: credentialBackedUp,
    createdAt: ports.now(),
  };
}

/** Begins a sign-in: any passkey of this broker will do, and it says whose it is. */
export async function beginSignIn(ports: CeremonyPorts, browser: string): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { rpId } = party(ports);
  const challenge = new Uint8Array(ports.random(CHALLENGE_BYTES));
  await put(ports, challenge, { purpose: "sign-in", browser });
  return generateAuthenticationOptions({ rpID: rpId, challenge, timeout: CHALLENGE_MS, userVerification: "required" });
}

/**
 * Checks an assertion made for a sign-in.
 * The attacks it stops: a stolen challenge (another browser's cookie), a replay (challenges are handed out once), a cloned authenticator.
 * @throws Problem `ceremony_refused`.
 */
export async function finishSignIn(
  ports: CeremonyPorts,
  browser: string | undefined,
  response: AuthenticationResponseJSON,
): Promise<Passkey> {
  const challenge = await taken(ports, response.response.clientDataJSON, { purpose: "sign-in", browser });
  return verifyAssertion(ports, response, challenge, undefined);
}

/** Checks an assertion over a challenge that the caller has taken. @throws Problem `ceremony_refused`. */
export async function verifyAssertion(
  ports: CeremonyPorts,
  response: AuthenticationResponseJSON,
  challenge: string,
  person: string | undefined,
): Promise<Passkey> {
  const { rpId, origin } = party(ports);
  const passkey = await ports.signIn.passkeys.find(response.id);
  if (passkey === undefined || (person !== undefined && passkey.person !== person)) {
    throw refused("this passkey is not registered here, or was removed", ["use another passkey, or a recovery code"]);
  }
  const { userHandle: handle } = response.response;
  const ownHandle = handle === undefined || handle === null || handle === Buffer.from(userHandle(passkey.person)).toString("base64url");
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: rpId,
    credential: {
      id: passkey.id,
      publicKey: new Uint8Array(Buffer.from(passkey.publicKey, "base64url")),
      // The store compares counters, exactly also for two uses at once, and only after the signature proved whose counter it is.
      counter: 0,
      transports: [...passkey.transports],
    },
    requireUserVerification: true,
  }).catch(() => ({ verified: false as const, authenticationInfo: undefined }));
  if (!verified || !ownHandle || authenticationInfo === undefined) throw refused("the passkey's signature could not be verified");
  if (!(await ports.signIn.passkeys.used(passkey.id, authenticationInfo.newCounter, ports.now()))) {
    const owner = ports.policy().people.find(({ id }) => id === passkey.person);
    const body = { passkey: passkey.id, counter: authenticationInfo.newCounter };
    const seen = { by: { person: passkey.person }, via: "passkey", body };
    if (owner !== undefined) await recordPerson(ports, owner, "person.passkey_suspect", seen);
    throw refused("the passkey's counter did not grow, so it may have been copied", ["remove this passkey and register a new one"]);
  }
  return passkey;
}

/** @throws Problem `ceremony_refused`; the same words for unknown, late, used and another browser's. */
async function taken(
  ports: CeremonyPorts,
  clientDataJSON: string,
  expected: { readonly purpose: ChallengePurpose; readonly person?: string; readonly browser: string | undefined },
): Promise<string> {
  const challenge = challengeIn(clientDataJSON);
  const found = challenge === undefined ? undefined : await ports.signIn.challenges.take(challenge, ports.now());
  if (
    found === undefined ||
    found === "used" ||
    expected.browser === undefined ||
    found.browser !== secretHash(expected.browser) ||
    found.purpose !== expected.purpose ||
    found.person !== expected.person
  ) {
    throw refused("this was not begun in this browser, is used already or took too long");
  }
  return found.challenge;
}

/** The challenge that the browser signed, as its client data repeats it; undefined when there is none. */
export function challengeIn(clientDataJSON: string): string | undefined {
  try {
    const said: unknown = JSON.parse(Buffer.from(clientDataJSON, "base64url").toString("utf8"));
    const challenge: unknown = typeof said === "object" && said !== null ? Reflect.get(said, "challenge") : undefined;
    return typeof challenge === "string" ? challenge : undefined;
  } catch {
    return undefined;
  }
}

function put(
  ports: CeremonyPorts,
  challenge: Uint8Array,
  about: { readonly purpose: ChallengePurpose; readonly person?: string; readonly browser: string },
): Promise<void> {
  return ports.signIn.challenges.put({
    challenge: Buffer.from(challenge).toString("base64url"),
    purpose: about.purpose,
    person: about.person,
    browser: secretHash(about.browser),
    expiresAt: new Date(ports.now().getTime() + CHALLENGE_MS),
  });
}

/** What authenticators know a person by: no name or address, and the same for all of their passkeys. */
function userHandle(person: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(secretHash(`bailiwick/person/${person}`), "base64url"));
}

function refused(what: string, next: readonly string[] = ["reload the page and try again"]): Problem {
  return new Problem("ceremony_refused", what, next);
}
