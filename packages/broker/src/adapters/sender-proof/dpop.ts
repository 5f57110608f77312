import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { z } from "zod";
import type { Restriction } from "../../call/presented.ts";
import { P256_COORDINATE } from "../../domain/agent-key.ts";
import { derSignature } from "./der-signature.ts";
import { proofInvalid } from "./refused.ts";

/** How old a proof may be: longer than a request travels, shorter than it stays interesting. */
export const MAX_PROOF_AGE_MS = 60_000;
/** How far a sender's clock may run ahead of ours. */
export const PROOF_SKEW_MS = 5_000;
/** A proof has a few hundred characters; `restrict` may add some. */
const MAX_PROOF_CHARS = 8_192;
/** Headers of one sender are the same text each time: its key is imported once. */
const MAX_KEYS = 10_000;
/** A header with a key and a few members more; all of it is kept, so it is bounded. */
const MAX_HEADER_CHARS = 1_024;

/** A proof whose signature and claims hold. */
export interface DpopProof {
  /** RFC 7638 SHA-256 thumbprint of the key, base64url. */
  readonly jkt: string;
  /** Names this proof among all proofs of its key. */
  readonly id: string;
  readonly issuedAtMs: number;
  readonly restrict: Restriction | undefined;
}

/** What the proof must be for. `ath`, the base64url SHA-256 of the token, is absent at the token endpoint, where there is none yet. */
export interface DpopExpectation {
  readonly method: string;
  /** Without query and fragment. */
  readonly url: string;
  readonly ath?: string | undefined;
}

export interface DpopVerifier {
  /**
   * Checks a proof as RFC 9449 section 4.3 lists it. Replay is the caller's to check, by `id`.
   * @throws Refusal `proof_invalid`.
   */
  check(proof: string, expected: DpopExpectation, now: Date): DpopProof;
}

const coordinate = z.string().regex(P256_COORDINATE);
const headerSchema = z.object({
  typ: z.literal("dpop+jwt"),
  // One algorithm: `none`, and an HMAC keyed with a public key, cannot be asked for.
  alg: z.literal("ES256"),
  jwk: z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: coordinate, y: coordinate, d: z.undefined().optional() }),
  // RFC 7515 section 4.1.11: what must be understood and is not makes the whole invalid.
  crit: z.undefined().optional(),
});
const text = z.string().min(1).max(256);
const scopePattern = z.string().regex(/^[a-z][a-z0-9_-]*:(?:\*|[a-z][a-z0-9_-]*(?::[A-Za-z_$][\w$-]*)?)$/u);
const restrictSchema = z.strictObject({
  scope: z.array(scopePattern).max(200).optional(),
  rows: z.record(text, z.record(text, z.array(z.string().max(256)).max(200))).optional(),
});
const payloadSchema = z.object({
  jti: z.string().min(1).max(128),
  htm: z.string(),
  htu: z.string().max(2_048),
  iat: z.number(),
  ath: z.string().optional(),
  restrict: restrictSchema.optional(),
});

interface SenderKey {
  readonly jkt: string;
  readonly key: KeyObject;
}

export function createDpopVerifier(): DpopVerifier {
  const keys = new Map<string, SenderKey>();

  function keyOf(header: string): SenderKey {
    const known = keys.get(header);
    if (known !== undefined) return known;
    const { jwk } = parsed(headerSchema, header, "header");
    const sender = importKey(jwk);
    if (keys.size >= MAX_KEYS) keys.clear();
    keys.set(header, sender);
    return sender;
  }

  return {
    check(proof, expected, now) {
      if (proof.length > MAX_PROOF_CHARS) throw malformed("is too long");
      const [header, payload, signature, ...rest] = proof.split(".");
      if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) throw malformed("is no signed JWT");
      if (header.length > MAX_HEADER_CHARS) throw malformed("has a header that holds more than its key");
      const { jkt, key } = keyOf(header);
      const signed = Buffer.from(proof.slice(0, header.length + 1 + payload.length));
      const der = derSignature(Buffer.from(signature, "base64url"));
      if (der === undefined || !verify("sha256", signed, key, der)) throw malformed("is not signed by the key in its header");
      const claims = parsed(payloadSchema, payload, "payload");
      requireMeant(claims, expected, now);
      return { jkt, id: hash("sha256", `${jkt} ${claims.jti}`, "base64url"), issuedAtMs: claims.iat * 1000, restrict: claims.restrict };
    },
  };
}

function requireMeant(claims: z.output<typeof payloadSchema>, expected: DpopExpectation, now: Date): void {
  if (claims.htm !== expected.method) throw malformed(`is for \`${claims.htm.slice(0, 16)}\`, not \`${expected.method}\``);
  if (claims.htu !== expected.url && normalized(claims.htu) !== normalized(expected.url))
    throw malformed(`is for another address than \`${expected.url}\``);
  const age = now.getTime() - claims.iat * 1000;
  if (!(age <= MAX_PROOF_AGE_MS && age >= -PROOF_SKEW_MS)) throw malformed("was not signed just now; check the sender's clock");
  if (expected.ath !== undefined && claims.ath !== expected.ath) throw malformed("is for another token (`ath`)");
}

/** RFC 9449 section 4.3: compared after normalisation, without query and fragment (RFC 3986 section 6.2.2 and 6.2.3). */
function normalized(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** RFC 7638 section 3.2: the required members in lexical order. */
function importKey({ crv, kty, x, y }: { readonly crv: string; readonly kty: string; readonly x: string; readonly y: string }): SenderKey {
  try {
    const key = createPublicKey({ key: { kty, crv, x, y }, format: "jwk" });
    return { key, jkt: hash("sha256", JSON.stringify({ crv, kty, x, y }), "base64url") };
  } catch {
    throw malformed("holds a key that is no point of P-256");
  }
}

function parsed<S extends z.ZodType>(schema: S, segment: string, part: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(segment, "base64url").toString("utf8"));
  } catch {
    throw malformed(`has a ${part} that is no JSON`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw malformed(`has a ${part} in which \`${result.error.issues[0]?.path.join(".") ?? part}\` is missing or not allowed`);
}

function malformed(why: string): Error {
  return proofInvalid(`the DPoP proof ${why}; sign one for each request as RFC 9449 section 4.2 says`);
}
