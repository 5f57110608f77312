import { z } from "zod";
import { CONTENT_KINDS } from "../content-rules.ts";

const text = z.string().trim().min(1, { error: "must not be empty" });
const argumentPath = z.string().regex(/^args(\.[A-Za-z_$][\w$-]*)+$/, { error: "must be the path of an argument such as `args.body`" });
const recordPath = z
  .string()
  .regex(/^[A-Za-z_$][\w$-]*(\.[A-Za-z_$][\w$-]*)*$/, { error: "must be a field path such as `customer.notes`" });
const kind = z.enum(CONTENT_KINDS, {
  error: `must be one of ${CONTENT_KINDS.map((each) => `\`${each}\``).join(", ")}; in arguments also a label such as \`@restricted\``,
});
const label = z.templateLiteral(["@", z.string().regex(/^[a-z][\w-]{0,62}$/)]);
const host = z.string().regex(/^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/, {
  error: "must be a host in lower case such as `acme.example` or `*.acme.example`",
});

/** What a rule demands of the texts of a call, as a grant and a gate write it. */
export const content = z.strictObject({
  arguments: z
    .array(
      z.strictObject({
        find: z.array(z.union([kind, label])).min(1),
        in: z.array(argumentPath).min(1).exactOptional(),
        do: z.enum(["refuse", "redact", "partial", "hash", "token"]),
      }),
    )
    .default([]),
  results: z
    .array(
      z.strictObject({
        find: z.array(kind).min(1),
        in: z.array(recordPath).min(1).exactOptional(),
        do: z.enum(["redact", "partial", "hash", "token", "withhold"]),
      }),
    )
    .default([]),
  wording: z
    .strictObject({
      in: z.array(argumentPath).min(1).exactOptional(),
      block: z.array(text).default([]),
      require: z.array(text).default([]),
      templates: z.array(text).default([]),
      links: z.array(host).exactOptional(),
    })
    .exactOptional(),
});

export type ContentEntry = z.output<typeof content>;
