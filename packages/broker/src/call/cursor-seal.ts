import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { canonicalize } from "@bailiwick/ledger";
import type { Json } from "@bailiwick/policy";

/** Whose cursor it is; one that is shown by anybody else, or for another argument, does not open. */
export interface CursorOwner {
  readonly tenant: string;
  readonly session: string;
  readonly operation: { readonly tool: string; readonly kind: string; readonly name: string };
  readonly arg: string;
}

const PREFIX = "bwc1.";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/**
 * A tool's cursor as an agent that sees filtered records may carry it: AES-256-GCM, since a cursor often spells out the record it stands
 * after. The nonce is a keyed digest of owner and value (as in SIV, RFC 5297), so that nothing here draws randomness; equal cursors of one owner look
 * equal, which tells an agent nothing that it did not know.
 */
export function sealCursor(secret: string, owner: CursorOwner, value: Json): string {
  const { encrypting, naming } = keysOf(secret);
  const bound = boundTo(owner);
  const text = JSON.stringify(value);
  const nonce = createHmac("sha256", naming).update(`${bound.byteLength}\n`).update(bound).update(text).digest().subarray(0, NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", encrypting, nonce).setAAD(bound);
  const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return PREFIX + sealed.toString("base64url");
}

/** The tool's own cursor, or undefined when this is none that was sealed for this owner. */
export function openCursor(secret: string, owner: CursorOwner, sealed: string): Json | undefined {
  if (!sealed.startsWith(PREFIX)) return undefined;
  const bytes = Buffer.from(sealed.slice(PREFIX.length), "base64url");
  if (bytes.byteLength <= NONCE_BYTES + TAG_BYTES) return undefined;
  const [nonce, text, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES, -TAG_BYTES), bytes.subarray(-TAG_BYTES)];
  try {
    const decipher = createDecipheriv("aes-256-gcm", keysOf(secret).encrypting, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(owner)).setAuthTag(tag);
    return JSON.parse(Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8")) as Json;
  } catch {
    return undefined;
  }
}

function boundTo({ tenant, session, operation: { tool, kind, name }, arg }: CursorOwner): Buffer {
  return Buffer.from(canonicalize([tenant, session, tool, kind, name, arg]));
}

function keysOf(secret: string): { readonly encrypting: Buffer; readonly naming: Buffer } {
  const bytes = Buffer.from(hkdfSync("sha256", secret, new Uint8Array(0), "bailiwick/cursor/v1", 2 * KEY_BYTES));
  return { encrypting: bytes.subarray(0, KEY_BYTES), naming: bytes.subarray(KEY_BYTES) };
}
