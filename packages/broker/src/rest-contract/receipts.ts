import { z } from "@hono/zod-openapi";
import { anyJsonSchema } from "./any-json.ts";

const publicKeySchema = z.union([
  z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string() }),
  z.object({ kty: z.literal("RSA"), n: z.string(), e: z.string() }),
]);

/** A signed yes as a file: the receipt, and where its broker says it was given. Whose key it is a verifier knows from elsewhere. */
export const receiptFileSchema = z
  .object({
    person: z.string(),
    rpId: z.string(),
    origin: z.string(),
    receipt: z.object({
      document: z.record(z.string(), anyJsonSchema),
      credentialId: z.string(),
      clientDataJSON: z.string(),
      authenticatorData: z.string(),
      signature: z.string(),
      publicKey: publicKeySchema,
      at: z.string(),
    }),
  })
  .openapi("ReceiptFile");
