import type { RestPorts } from "./ports.ts";
import { secretHash } from "./signed-in.ts";

/** Codes a person gets at once. */
export const RECOVERY_CODES = 10;
/** 80 bits: with attempts counted, and even without, not to be guessed. */
const CODE_BYTES = 10;
/** Crockford's base 32: no letter that is taken for a digit. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** Makes ten new recovery codes and forgets the old ones; they are shown now and never again. */
export async function replaceRecoveryCodes(ports: Pick<RestPorts, "signIn" | "random" | "now">, person: string): Promise<string[]> {
  const codes = Array.from({ length: RECOVERY_CODES }, () => newCode(ports.random(CODE_BYTES)));
  await ports.signIn.recoveryCodes.replace(
    person,
    codes.map((code) => recoveryHash(person, code)),
    ports.now(),
  );
  return codes;
}

/** What is stored of a code: bound to its person, and the same however the code was typed. */
export function recoveryHash(person: string, typed: string): string {
  const read = typed
    .toLowerCase()
    .replaceAll("o", "0")
    .replaceAll(/[il]/gu, "1")
    .replaceAll(/[^0-9a-z]/gu, "");
  return secretHash(`bailiwick/recovery/${person}/${read}`);
}

/** `xxxx-xxxx-xxxx-xxxx`. */
function newCode(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  const letters = Array.from({ length: 16 }, (_, place) => ALPHABET[Number((bits >> BigInt(75 - place * 5)) & 31n)] ?? "0");
  return [0, 4, 8, 12].map((from) => letters.slice(from, from + 4).join("")).join("-");
}
