import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { createDpopVerifier } from "../../src/adapters/sender-proof/dpop.ts";
import { sessionKeys } from "../../src/adapters/sender-proof/session-key.ts";
import { createSenderVerifier, type VerifiedToken } from "../../src/adapters/sender-proof/verify-sender.ts";
import type { Presented } from "../../src/call/presented.ts";
import type { SenderBinding } from "../../src/domain/session.ts";

export const URL_OF_MCP = "https://broker.example/mcp";
export const TOKEN = "header.payload.signature";
export const NOW = new Date("2026-11-26T10:00:00Z");
export const keys = sessionKeys(new Uint8Array(32).fill(7));

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64url");

export interface Sender {
  readonly privateKey: KeyObject;
  readonly jwk: { readonly kty: string; readonly crv: string; readonly x: string; readonly y: string };
  readonly jkt: string;
}

export function newSender(): Sender {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty = "", crv = "", x = "", y = "" } = publicKey.export({ format: "jwk" });
  return { privateKey, jwk: { kty, crv, x, y }, jkt: sha256(JSON.stringify({ crv, kty, x, y })) };
}

/** A DPoP proof made by hand, so that each part of it can be wrong. */
export function dpop(sender: Sender, claims: object = {}, header: object = {}, signature?: (input: string) => string): string {
  const head = encode({ typ: "dpop+jwt", alg: "ES256", jwk: sender.jwk, ...header });
  const iat = NOW.getTime() / 1000;
  const body = encode({ jti: randomUUID(), htm: "POST", htu: URL_OF_MCP, iat, ath: sha256(TOKEN), ...claims });
  const signed =
    signature ??
    ((input: string) => sign("sha256", Buffer.from(input), { key: sender.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url"));
  return `${head}.${body}.${signed(`${head}.${body}`)}`;
}

export function presented(more: Partial<Presented> = {}): Presented {
  return { token: TOKEN, scheme: "DPoP", method: "POST", url: URL_OF_MCP, ...more };
}

export interface Signing {
  readonly session?: string;
  readonly body?: string;
  readonly components?: string;
  readonly parameters?: string;
  readonly nonce?: string;
  readonly created?: number;
}

/** A request signed by RFC 9421 by hand. */
export function signedRequest(options: Signing = {}): Presented {
  const digest = createHash("sha256")
    .update(options.body ?? "{}")
    .digest("base64");
  const list = options.components ?? '"@method" "@target-uri" "authorization" "content-digest"';
  const created = options.created ?? NOW.getTime() / 1000;
  const parameters = options.parameters ?? `;created=${created};nonce="${options.nonce ?? randomUUID()}";alg="hmac-sha256";keyid="session"`;
  const values: Record<string, string> = {
    "@method": "POST",
    "@target-uri": URL_OF_MCP,
    authorization: `Bearer ${TOKEN}`,
    "content-digest": `sha-256=:${digest}:`,
  };
  const names = [...list.matchAll(/"([^"]+)"/gu)].map(([, name = ""]) => name);
  const base = [...names.map((name) => `"${name}": ${values[name] ?? ""}`), `"@signature-params": (${list})${parameters}`].join("\n");
  const value = createHmac("sha256", keys.of("acme", options.session ?? "ses_1"))
    .update(base)
    .digest("base64");
  return presented({
    scheme: "Bearer",
    signature: { input: `sig=(${list})${parameters}`, value: `sig=:${value}:`, contentDigest: `sha-256=:${digest}:` },
  });
}

/** The verifier of requests whose token is bound so. */
export function verifierFor(binding: SenderBinding): ReturnType<typeof createSenderVerifier> {
  const token: VerifiedToken = {
    id: sha256(TOKEN),
    tenant: "acme",
    session: "ses_1",
    client: "agent",
    binding,
    expiresAtMs: NOW.getTime() + 60_000,
  };
  return createSenderVerifier({ token: async (text = "") => ({ ...token, id: sha256(text) }), dpop: createDpopVerifier(), keys });
}
