import { z } from "@hono/zod-openapi";
import { ruleSchema } from "./schemas.ts";

/** A call's way through the broker, step by step in the order of the path. */
export const callPathSchema = z
  .object({
    tenant: z.string(),
    callId: z.string(),
    steps: z.array(
      z.object({
        step: z.enum([
          "authenticate",
          "session",
          "identify",
          "decide",
          "limit",
          "approve",
          "intend",
          "inject",
          "execute",
          "filter",
          "record",
        ]),
        /** What the step is for. */
        does: z.string(),
        /** `not_reached`: the call ended before. `skipped`: nothing to do for this call. `unknown`: it began, and nobody knows how it ended. */
        state: z.enum(["passed", "stopped", "waiting", "running", "unknown", "skipped", "not_reached"]),
        /** What it came to. */
        says: z.string().optional(),
        at: z.string().openapi({ format: "date-time" }).optional(),
        /** Index of the record that says so. */
        record: z.int().optional(),
        /** The rules that spoke. */
        rules: z.array(ruleSchema),
      }),
    ),
  })
  .openapi("CallPath");
