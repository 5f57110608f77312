import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

/** RFC 7677 section 4 asks for at least 4096. */
const ITERATIONS = 4_096;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/**
 * What PostgreSQL stores of a password (SCRAM-SHA-256, RFC 5802 section 3): computed here, so that the password itself is in no
 * statement, and so in no log of the server. The password must be printable ASCII, which SASLprep leaves as it is.
 */
export function scramVerifier(password: string, salt: Uint8Array = randomBytes(SALT_BYTES)): string {
  if (!/^[\x21-\x7e]+$/.test(password)) throw new RangeError("a generated password is printable ASCII");
  const salted = pbkdf2Sync(password, salt, ITERATIONS, KEY_BYTES, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest("base64");
  const serverKey = createHmac("sha256", salted).update("Server Key").digest("base64");
  return `SCRAM-SHA-256$${ITERATIONS}:${Buffer.from(salt).toString("base64")}$${storedKey}:${serverKey}`;
}
