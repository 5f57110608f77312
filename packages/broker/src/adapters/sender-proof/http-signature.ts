import { createHmac, hash, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Presented } from "../../call/presented.ts";
import { MAX_PROOF_AGE_MS, PROOF_SKEW_MS } from "./dpop.ts";
import { proofInvalid } from "./refused.ts";

/** A signature that holds. */
export interface HttpSignature {
  /** Names this signature among all of its session. */
  readonly id: string;
  readonly createdMs: number;
}

/** What a request with a body must sign; one without leaves the digest out. Any other list is refused: there is nothing to choose. */
const WITH_BODY = '"@method" "@target-uri" "authorization" "content-digest"';
const WITHOUT_BODY = '"@method" "@target-uri" "authorization"';
const MAX_HEADER_CHARS = 2_048;
/** What signers send, in the order they send it; read in one go, because each request is. */
const USUAL =
  /^([a-z][a-z0-9_-]{0,31})=\(([^()]{1,80})\);created=(\d{1,12});nonce="([\x21\x23-\x5b\x5d-\x7e]{1,128})";alg="hmac-sha256";keyid="session"$/u;
const INPUT =
  /^([a-z][a-z0-9_-]{0,31})=\(((?:"[@a-z-]+"(?: (?="))?)*)\)((?:;[a-z]+=(?:\d{1,12}|"[\x20\x21\x23-\x5b\x5d-\x7e]{1,128}"))*)$/u;
/** 32 bytes. */
const BASE64 = /^[A-Za-z0-9+/]{43}=$/u;
const PARAMETER = /;([a-z]+)=(?:(\d+)|"([^"]*)")/gu;

/**
 * Checks a request's signature (RFC 9421, `hmac-sha256`, one signature, fixed components). Replay is the caller's to check, by `id`;
 * that the body is what was signed, `bodyMatches`.
 * @throws Refusal `proof_invalid`.
 */
export function checkHttpSignature(presented: Presented, key: KeyObject, now: Date): HttpSignature {
  const { signature, token, scheme, method, url } = presented;
  if (signature === undefined || token === undefined) throw refused("is missing");
  if (signature.input.length > MAX_HEADER_CHARS || signature.value.length > MAX_HEADER_CHARS) throw refused("is too long");
  const { label, list, created, nonce } = readInput(signature.input);
  const wanted = method === "POST" ? WITH_BODY : WITHOUT_BODY;
  if (list !== wanted) throw refused(`must cover exactly (${wanted})`);
  const digest = method === "POST" ? `"content-digest": ${signature.contentDigest ?? ""}\n` : "";
  const covered = signature.input.slice(label.length + 1);
  const base = `"@method": ${method}\n"@target-uri": ${url}\n"authorization": ${scheme} ${token}\n${digest}"@signature-params": ${covered}`;
  const expected = createHmac("sha256", key).update(base).digest();
  const given = signatureIn(signature.value, label);
  if (given?.length !== expected.length || !timingSafeEqual(expected, given))
    throw refused("is not made with this session's key over this request");
  return meant(created, nonce, now);
}

interface SignatureInput {
  readonly label: string;
  readonly list: string;
  readonly created: string | undefined;
  readonly nonce: string | undefined;
}

/** @throws Refusal `proof_invalid`, also when another algorithm or key is named. */
function readInput(input: string): SignatureInput {
  const [usual, named = "", covers = "", at, once] = USUAL.exec(input) ?? [];
  if (usual !== undefined) return { label: named, list: covers, created: at, nonce: once };
  const [, label, list, text] = INPUT.exec(input) ?? [];
  if (label === undefined || list === undefined || text === undefined) throw refused("has a `signature-input` that cannot be read");
  const parameters = new Map([...text.matchAll(PARAMETER)].map(([, name = "", number, quoted]) => [name, number ?? quoted ?? ""]));
  if (parameters.get("alg") !== "hmac-sha256" || parameters.get("keyid") !== "session")
    throw refused('needs the parameters `alg="hmac-sha256"` and `keyid="session"`');
  return { label, list, created: parameters.get("created"), nonce: parameters.get("nonce") };
}

/** The bytes of `<label>=:<base64>:` (RFC 8941 section 3.3.5), and nothing else in the header. */
function signatureIn(value: string, label: string): Buffer | undefined {
  const encoded = value.startsWith(`${label}=:`) && value.endsWith(":") ? value.slice(label.length + 2, -1) : "";
  return BASE64.test(encoded) ? Buffer.from(encoded, "base64") : undefined;
}

/** Whether the body is the one the signature covers (RFC 9530, sha-256). */
export function bodyMatches(presented: Presented, body: Uint8Array): boolean {
  return presented.signature?.contentDigest === `sha-256=:${hash("sha256", body, "base64")}:`;
}

function meant(created: string | undefined, nonce: string | undefined, now: Date): HttpSignature {
  if (nonce === undefined || nonce.length < 8) throw refused("needs a `nonce` of at least 8 characters, fresh for each request");
  const createdMs = Number(created ?? Number.NaN) * 1000;
  const age = now.getTime() - createdMs;
  if (!(age <= MAX_PROOF_AGE_MS && age >= -PROOF_SKEW_MS)) throw refused("was not `created` just now; check the sender's clock");
  return { id: nonce, createdMs };
}

function refused(why: string): Error {
  return proofInvalid(`the request's signature ${why}; sign each request as docs/spec/sessions.md says (RFC 9421)`);
}
