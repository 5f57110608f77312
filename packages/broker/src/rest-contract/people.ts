import { z } from "@hono/zod-openapi";

const time = z.string().openapi({ format: "date-time" });

export const passkeySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    backedUp: z.boolean(),
    createdAt: time,
    lastUsedAt: time.optional(),
    /** RFC 7638 thumbprint of its public key: whoever verifies receipts pins this. */
    thumbprint: z.string().optional(),
  })
  .openapi("Passkey");

export const personSessionSchema = z
  .object({
    id: z.string(),
    via: z.string(),
    /** What the browser called itself: untrusted text. */
    client: z.string(),
    createdAt: time,
    lastSeenAt: time,
    expiresAt: time,
    current: z.boolean(),
  })
  .openapi("SignIn");

export const listedPersonSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    tenants: z.array(z.string()),
    roles: z.array(z.string()),
    passkeys: z.int(),
    recoveryCodesLeft: z.int(),
    sso: z.boolean(),
  })
  .openapi("Person");

export const invitationSchema = z.object({ person: z.string(), url: z.string(), expiresAt: time }).openapi("Invitation");
