import { z } from "@hono/zod-openapi";
import type { CallQuery } from "../../domain/audit.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";

const time = z.iso.datetime({ offset: true });
const MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/** What calls can be looked for by; all that is given must hold. The same in a query and in a saved search. */
export const callFilterShape = {
  agent: nameSchema.optional(),
  user: nameSchema.optional(),
  session: nameSchema.optional(),
  run: nameSchema.optional(),
  task: nameSchema.optional(),
  tool: nameSchema.optional(),
  /** A scope such as `tickets:update`. */
  action: nameSchema.optional(),
  /** `type/id`, such as `Ticket/T-17`. */
  resource: z
    .string()
    .max(600)
    .regex(/^[^\0/]{1,128}\/[^\0]+$/u, "write it as `type/id`")
    .optional(),
  verdict: z.enum(["allow", "ask", "deny"]).optional(),
  status: nameSchema.optional(),
  code: nameSchema.optional(),
  /** A person who answered the call's approval. */
  approver: nameSchema.optional(),
  /** Id of a rule that determined the decision. */
  rule: nameSchema.optional(),
  from: time.optional(),
  to: time.optional(),
  /** How long ago `from` is, such as `30m`, `2h`, `7d`, `4w`. */
  since: z
    .string()
    .regex(/^[1-9]\d{0,4}[mhdw]$/u, "write a number and `m`, `h`, `d` or `w`")
    .optional(),
};

const filterSchema = z.strictObject(callFilterShape);
export type CallFilter = z.output<typeof filterSchema>;

/** A filter as it is saved. */
export const savedFilterSchema = filterSchema
  .refine((filter) => filter.since === undefined || filter.from === undefined, "give `from` or `since`, not both")
  .openapi("CallFilter");

/** The filter in the words of the log. `since` counts back from `now`. */
export function callQueryOf(filter: CallFilter, now: Date): Omit<CallQuery, "limit" | "before"> {
  const { resource, from, to, since, ...same } = filter;
  return {
    ...same,
    resource: resourceOf(resource),
    from: from === undefined ? ago(since, now) : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}

function resourceOf(text: string | undefined): CallQuery["resource"] {
  if (text === undefined) return undefined;
  const slash = text.indexOf("/");
  return { type: text.slice(0, slash), id: text.slice(slash + 1) };
}

function ago(since: string | undefined, now: Date): Date | undefined {
  const [, count, unit] = /^(\d+)([mhdw])$/u.exec(since ?? "") ?? [];
  if (count === undefined || (unit !== "m" && unit !== "h" && unit !== "d" && unit !== "w")) return undefined;
  return new Date(now.getTime() - Number(count) * MS[unit]);
}
