import { readFile } from "node:fs/promises";
import type { JWK } from "jose";
import { calculateJwkThumbprint } from "jose";
import type { JsonObject } from "./json.ts";
import { isObject, parseJson } from "./json.ts";

/** An agent's name and the private key that proves it. */
export interface AgentKey {
  /** `bailiwick://<tenant>/<environment>/<workflow>/<agent>` */
  readonly agent: string;
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  /** ES256 key pair as a JSON Web Key (RFC 7517). */
  readonly privateJwk: JWK;
}

/**
 * Reads a key file: the JSON Web Key that `bailiwick agents new-key` writes, with the member `agent`, or `{agent, kid, privateJwk}`.
 * @throws Error when it cannot be read or is no agent key; the message never holds the key.
 */
export async function loadAgentKey(path: string): Promise<AgentKey> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new Error(
      `cannot read the agent key \`${path}\`: ${error instanceof Error ? error.message : "unknown error"}; check the path and its permissions`,
    );
  });
  const file = parseJson(text);
  const key = isObject(file) ? await keyIn(file) : undefined;
  if (key === undefined) {
    throw new Error(`\`${path}\` is no agent key; make one with \`bailiwick agents new-key <agent> --out <file>\``);
  }
  return key;
}

async function keyIn(file: JsonObject): Promise<AgentKey | undefined> {
  const { agent, kid, privateJwk } = file;
  if (typeof agent !== "string") return undefined;
  const jwk = privateJwkIn(isObject(privateJwk) ? privateJwk : file);
  if (jwk === undefined) return undefined;
  return { agent, kid: typeof kid === "string" ? kid : await calculateJwkThumbprint(jwk), privateJwk: jwk };
}

function privateJwkIn(value: JsonObject): JWK | undefined {
  const { kty, crv, x, y, d } = value;
  if (kty !== "EC" || crv !== "P-256" || typeof x !== "string" || typeof y !== "string" || typeof d !== "string") return undefined;
  return { kty, crv, x, y, d };
}
