import { z } from "@hono/zod-openapi";
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
import type { JsonObject } from "@bailiwick/policy";

/** Credential ids have at most 1023 bytes (Web Authentication Level 3, section 5.8.3). */
const MAX_ID_CHARS = 1_364;
/** Attestation statements hold certificates; everything else is far smaller. */
const MAX_PART_CHARS = 65_536;

const base64url = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[A-Za-z0-9_-]+$/u, { error: "must be base64url" });
const head = { id: base64url(MAX_ID_CHARS), rawId: base64url(MAX_ID_CHARS), type: z.literal("public-key") };

/** `PublicKeyCredential.toJSON()` of a new passkey; members we do not read may be there. */
export const registrationSchema = z
  .object({
    ...head,
    response: z.object({
      clientDataJSON: base64url(MAX_PART_CHARS),
      attestationObject: base64url(MAX_PART_CHARS),
      transports: z
        .array(z.string().regex(/^[a-z-]{1,20}$/u))
        .max(10)
        .optional(),
    }),
  })
  .openapi("PasskeyRegistration");

/** `PublicKeyCredential.toJSON()` of a signature by a passkey. */
export const assertionSchema = z
  .object({
    ...head,
    response: z.object({
      clientDataJSON: base64url(MAX_PART_CHARS),
      authenticatorData: base64url(MAX_PART_CHARS),
      signature: base64url(MAX_PART_CHARS),
      userHandle: base64url(MAX_ID_CHARS).nullish(),
    }),
  })
  .openapi("PasskeyAssertion");

/** A document and its signature, as the step-up's answer handed the first out. */
export const stepUpSchema = z
  .strictObject({
    document: z
      .custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value), {
        error: "must be a JSON object",
      })
      .openapi({ type: "object", additionalProperties: true }),
    assertion: assertionSchema,
  })
  .openapi("StepUp");

export function asRegistration(parsed: z.output<typeof registrationSchema>): RegistrationResponseJSON {
  const { clientDataJSON, attestationObject } = parsed.response;
  return { ...parsed, response: { clientDataJSON, attestationObject }, clientExtensionResults: {} };
}

export function asAssertion(parsed: z.output<typeof assertionSchema>): AuthenticationResponseJSON {
  const { userHandle, ...rest } = parsed.response;
  return {
    ...parsed,
    response: { ...rest, ...(userHandle === undefined || userHandle === null ? {} : { userHandle }) },
    clientExtensionResults: {},
  };
}
