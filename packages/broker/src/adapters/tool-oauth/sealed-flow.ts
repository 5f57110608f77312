import { EncryptJWT, errors, jwtDecrypt } from "jose";
import { z } from "zod";
import { unavailable } from "./unavailable.ts";

/** What is known of a connect that is under way. It travels with the browser, sealed: the store holds nothing of it. */
const flowSchema = z.object({
  id: z.string(),
  tool: z.string(),
  tenant: z.string(),
  environment: z.string(),
  workflow: z.string(),
  by: z.union([z.object({ person: z.string() }), z.object({ named: z.string() })]),
  via: z.string(),
  issuer: z.string(),
  resource: z.string().optional(),
  scope: z.array(z.string()),
  client: z.object({
    id: z.string(),
    method: z.enum(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
    secret: z.string().optional(),
  }),
  state: z.string(),
  verifier: z.string(),
});

export type Flow = z.output<typeof flowSchema>;

/** `link`: what opens the page. `ticket`: what the browser's cookie holds while the person is at the authorization server. */
export type FlowUse = "link" | "ticket";

/** Encrypted and authenticated (RFC 7516, `dir` with A256GCM); `key` has 32 bytes. A link is no ticket. */
export async function sealFlow(key: Uint8Array, use: FlowUse, flow: Flow, expiresAt: Date): Promise<string> {
  return new EncryptJWT({ flow })
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: `tool-${use}` })
    .setAudience(use)
    .setExpirationTime(Math.floor(expiresAt.getTime() / 1000))
    .encrypt(key);
}

/** @throws Fault `credential_unavailable` when it was not sealed here for this use, or is over. */
export async function openFlow(
  key: Uint8Array,
  use: FlowUse,
  text: string,
  now: Date,
): Promise<{ readonly flow: Flow; readonly expiresAt: Date }> {
  try {
    const { payload } = await jwtDecrypt(text, key, {
      audience: use,
      currentDate: now,
      requiredClaims: ["exp"],
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    return { flow: flowSchema.parse(payload["flow"]), expiresAt: new Date((payload.exp ?? 0) * 1000) };
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw unavailable("this link was not made here, or took too long; make a new one with `bailiwick tools connect`");
  }
}
