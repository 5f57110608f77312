import { z } from "@hono/zod-openapi";

/** Signed checkpoints of a log, smallest first; `next` is the size to ask beyond for more. */
export const checkpointsSchema = z.object({
  checkpoints: z.array(z.object({ size: z.int(), at: z.string().openapi({ format: "date-time" }), note: z.string() })),
  next: z.int().optional(),
});

/** Whom to believe about a log, as its broker says it: to be compared with what is pinned, not to be pinned from here. */
export const logKeysSchema = z.object({
  origin: z.string(),
  /** Verifier keys (C2SP signed-note), the first first, and the sizes of checkpoints each may sign. */
  keys: z.array(z.object({ key: z.string(), from: z.int(), until: z.int().optional() })),
  witnesses: z.array(z.string()),
  quorum: z.int(),
  /** The same as a policy file (C2SP tlog-policy). */
  policy: z.string(),
});

/** Where the records of a log begin; size 0 while none were retired. */
export const logBaseSchema = z.object({
  size: z.int(),
  frontier: z.array(z.string()),
  heads: z.array(z.tuple([z.string(), z.string(), z.int(), z.int()])),
});

export const rotatedKeySchema = z.object({ key: z.string() });
