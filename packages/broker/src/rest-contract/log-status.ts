import { z } from "@hono/zod-openapi";

const time = z.string().openapi({ format: "date-time" });

/** How the logs stand on the broker that was asked: can they be written, do second places agree with them, do exports get on. */
export const logStatusSchema = z
  .object({
    outages: z.array(
      z.object({
        tenant: z.string(),
        since: time,
        why: z.string(),
        /** Records refused since then; of these agents, the first few. */
        refused: z.int(),
        agents: z.array(z.string()),
      }),
    ),
    anchors: z.array(
      z.object({
        tenant: z.string(),
        anchor: z.string(),
        kind: z.enum(["witness", "file", "git", "webhook"]),
        /** Size of the newest checkpoint it has. */
        size: z.int().optional(),
        /** When it was last seen to be in order. */
        at: time.optional(),
        /** Records it does not cover yet. */
        lag: z.int(),
        fault: z.string().optional(),
        finding: z.string().optional(),
      }),
    ),
    exports: z.array(
      z.object({
        name: z.string(),
        tenant: z.string(),
        format: z.string(),
        state: z.enum(["starting", "delivering", "retrying", "stopped", "elsewhere"]),
        next: z.int(),
        newest: z.int(),
        lagRecords: z.int(),
        lastError: z.string().optional(),
        since: time.optional(),
      }),
    ),
  })
  .openapi("LogStatus");
