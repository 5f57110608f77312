import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import type { Json, JsonObject } from "@bailiwick/policy";
import { isObject, numberAt, parseJson, stringAt } from "../mcp-protocol/index.ts";

/** What a `requestState` stands for: a call that waits in memory for the agent's answer, or the next leg of a lease on an approval. */
export type Held =
  | { readonly kind: "asked"; readonly handle: string }
  | { readonly kind: "lease"; readonly ticket: string; readonly round: number };

/** What a state may be used for: the same caller, the same method and arguments. */
export interface Binding {
  readonly principal: string;
  readonly method: string;
  readonly params: JsonObject;
}

export interface RequestStates {
  seal(held: Held, binding: Binding, ttlMs: number): string;
  /** Opens a state once. Undefined when it was changed, belongs to another caller or request, expired or was used before. */
  open(state: string, binding: Binding): Held | undefined;
}

/** Used states remembered until they expire; above this the oldest go, which then expire by age alone. */
const MAX_USED = 100_000;
/** Longer texts cannot be ours. */
const MAX_STATE_CHARS = 4_096;
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * `requestState` comes back through the agent, so it is attacker-controlled: AES-256-GCM with the binding as additional data,
 * an expiry inside, single use. The GCM nonce doubles as the state's identity.
 */
export function createRequestStates(key: Uint8Array, now: () => Date): RequestStates {
  const used = new Map<string, number>();

  function useOnce(nonce: string, expiresAt: number): boolean {
    if (used.has(nonce)) return false;
    for (const [old, expiry] of used) {
      if (expiry >= now().getTime() && used.size < MAX_USED) break;
      used.delete(old);
    }
    used.set(nonce, expiresAt);
    return true;
  }

  return {
    seal(held, binding, ttlMs) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      cipher.setAAD(additionalData(binding));
      const text = JSON.stringify({ ...held, expiresAt: now().getTime() + ttlMs });
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), sealed]).toString("base64url");
    },
    open(state, binding) {
      const nonceAndText = decrypt(key, state, binding);
      if (nonceAndText === undefined) return undefined;
      const content = parseJson(nonceAndText.text);
      if (!isObject(content)) return undefined;
      const expiresAt = numberAt(content, "expiresAt") ?? 0;
      const held = heldIn(content);
      if (held === undefined || expiresAt <= now().getTime() || !useOnce(nonceAndText.nonce, expiresAt)) return undefined;
      return held;
    },
  };
}

function decrypt(key: Uint8Array, state: string, binding: Binding): { readonly nonce: string; readonly text: string } | undefined {
  if (state.length > MAX_STATE_CHARS || !/^[\w-]+$/.test(state)) return undefined;
  const bytes = Buffer.from(state, "base64url");
  if (bytes.toString("base64url") !== state || bytes[0] !== VERSION || bytes.length <= 1 + NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData(binding));
  decipher.setAuthTag(bytes.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(1 + NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString("utf8");
    return { nonce: nonce.toString("base64url"), text };
  } catch {
    return undefined;
  }
}

function heldIn(content: JsonObject): Held | undefined {
  const handle = stringAt(content, "handle");
  const ticket = stringAt(content, "ticket");
  const round = numberAt(content, "round");
  if (content["kind"] === "asked" && handle !== undefined) return { kind: "asked", handle };
  if (content["kind"] === "lease" && ticket !== undefined && round !== undefined) return { kind: "lease", ticket, round };
  return undefined;
}

function additionalData(binding: Binding): Buffer {
  const { name, uri, arguments: args } = binding.params;
  const digest = createHash("sha256")
    .update(sortedJson({ name: name ?? null, uri: uri ?? null, arguments: args ?? {} }))
    .digest("hex");
  return Buffer.from(JSON.stringify([binding.principal, binding.method, digest]), "utf8");
}

/** JSON with sorted keys: a client may rebuild the arguments in another order. */
function sortedJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => sortedJson(item)).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${sortedJson(value[key] ?? null)}`).join(",")}}`;
}
