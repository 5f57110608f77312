import type { KeyObject } from "node:crypto";
import { createPrivateKey, generateKeyPairSync, hash } from "node:crypto";
import type { AgentKey } from "./agent-key.ts";

/** A key that signs DPoP proofs. */
export interface ProofKey {
  readonly privateKey: KeyObject;
  /** RFC 7638 SHA-256 thumbprint of its public half. */
  readonly jkt: string;
  /** The protected header of every proof it signs, already base64url: it is the same text each time. */
  readonly header: string;
}

/** A fresh P-256 key that lives in this process only: whoever steals the agent's key file cannot use the sessions that are open. */
export function generateProofKey(): ProofKey {
  return proofKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
}

/** The agent's own key as the key of its proofs: for brokers or records that shall tell the agent by its thumbprint. */
export function proofKeyOf(key: AgentKey): ProofKey {
  return proofKey(createPrivateKey({ key: { ...key.privateJwk }, format: "jwk" }));
}

function proofKey(privateKey: KeyObject): ProofKey {
  const { crv, kty, x, y } = privateKey.export({ format: "jwk" });
  // RFC 7638 section 3.2: the required members in lexical order.
  const jwk = { crv, kty, x, y };
  const header = Buffer.from(JSON.stringify({ typ: "dpop+jwt", alg: "ES256", jwk })).toString("base64url");
  return { privateKey, jkt: hash("sha256", JSON.stringify(jwk), "base64url"), header };
}
