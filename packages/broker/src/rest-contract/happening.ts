import { z } from "@hono/zod-openapi";

/** A hint at what to look for again. `missed`: look at everything again. */
export const happeningSchema = z
  .object({
    tenant: z.string().optional(),
    kind: z.enum(["approval", "elevation", "call", "stop", "policy", "tools", "missed"]),
    id: z.string().optional(),
  })
  .openapi("Happening");
