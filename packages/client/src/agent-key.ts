import { open } from "node:fs/promises";
import type { JWK } from "jose";
import { calculateJwkThumbprint } from "jose";
import { ClientError } from "./client-error.ts";
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
 * @throws ClientError `key_unusable` when it cannot be read, others can read it, or it is no agent key; the message never holds the key.
 */
export async function loadAgentKey(path: string): Promise<AgentKey> {
  const file = parseJson(await readPrivate(path));
  const key = isObject(file) ? await keyIn(file) : undefined;
  if (key !== undefined) return key;
  throw new ClientError("key_unusable", `\`${path}\` is no agent key`, "make one with `bailiwick agents new-key <agent> --out <file>`");
}

/** A key that others on the machine can read is not the agent's own. The open file is looked at, so that it cannot be swapped in between. */
async function readPrivate(path: string): Promise<string> {
  const file = await open(path, "r").catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : "unknown error";
    throw new ClientError("key_unusable", `cannot read the agent key \`${path}\`: ${why}`, "check the path and its permissions", { cause });
  });
  try {
    const { mode } = await file.stat();
    // Windows has no such bits; node reports 0o666 for every file there.
    if (process.platform !== "win32" && (mode & OTHERS) !== 0)
      throw new ClientError(
        "key_unusable",
        `other users of this machine can read or change \`${path}\``,
        `keep it to yourself with \`chmod 600 ${path}\``,
      );
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

const OTHERS = 0o077;

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
