import type { JsonObject } from "@bailiwick/policy";
import { z } from "zod";
import { ToolError } from "../../domain/tool.ts";
import { MAX_ADDRESS_CHARACTERS, MAX_MESSAGE_BYTES, MAX_RECIPIENTS, MAX_SUBJECT_CHARACTERS } from "./limits.ts";

/** JSON-RPC 2.0, section 5.1. */
const INVALID_PARAMS = -32602;

/** A mail as the agent may write it: plain text, no attachments, no headers of its own. */
export interface MailRequest {
  readonly to: string;
  readonly cc: readonly string[];
  readonly subject: string;
  readonly body: string;
}

/**
 * Parses the arguments of `send`.
 * An address is exactly one addr-spec in its plain form (RFC 5321 section 4.1.2, no quoted strings, comments or display names):
 * policy has judged one domain, so `a@b.example, c@evil.example` must not become two recipients on the wire.
 * Control characters are refused in every header field, so no argument can start a header line of its own.
 * @throws ToolError -32602 with what to write instead; nothing was sent.
 */
export function parseMail(args: JsonObject): MailRequest {
  const parsed = MAIL.safeParse(args);
  if (!parsed.success) throw new ToolError(INVALID_PARAMS, parsed.error.issues.map(describeIssue).join("; "));
  const { to, cc = [], subject, body } = parsed.data;
  return { to, cc, subject, body };
}

/** The `inputSchema` of `send`, as the agent reads it. */
export const SEND_INPUT_SCHEMA: JsonObject = {
  type: "object",
  properties: {
    to: { type: "string", format: "email", description: "one plain address, as in `ada@example.com`; no display name" },
    subject: { type: "string", maxLength: MAX_SUBJECT_CHARACTERS, description: "one line, no line breaks" },
    body: { type: "string", maxLength: MAX_MESSAGE_BYTES, description: "plain text; line breaks are kept" },
    cc: {
      type: "array",
      items: { type: "string", format: "email" },
      maxItems: MAX_RECIPIENTS - 1,
      description: "further plain addresses that see the mail",
    },
  },
  required: ["to", "subject", "body"],
  additionalProperties: false,
};

/** The `outputSchema` of `send`. */
export const SEND_OUTPUT_SCHEMA: JsonObject = {
  type: "object",
  properties: {
    messageId: { type: "string" },
    accepted: { type: "array", items: { type: "string" }, description: "addresses the mail server took the mail for" },
    rejected: { type: "array", items: { type: "string" }, description: "addresses it refused; they get no mail" },
  },
  required: ["messageId", "accepted", "rejected"],
};

/** Dot-atoms of RFC 5322 section 3.2.3 in ASCII; what is rarer is refused, not guessed at. */
const ADDRESS =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;

/** Every control character, and the line separators that some mailers fold on. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

const address = z
  .string()
  .max(MAX_ADDRESS_CHARACTERS, `an address has at most ${MAX_ADDRESS_CHARACTERS} characters`)
  .refine((text) => ADDRESS.test(text), "write one plain address, as in `ada@example.com`");

const MAIL = z.strictObject({
  to: address,
  cc: z
    .array(address)
    .max(MAX_RECIPIENTS - 1, `a mail has at most ${MAX_RECIPIENTS} recipients; send several mails`)
    .optional(),
  subject: z
    .string()
    .max(MAX_SUBJECT_CHARACTERS, `a subject has at most ${MAX_SUBJECT_CHARACTERS} characters`)
    .refine((text) => !CONTROL.test(text), "a subject is one line without control characters; leave out line breaks"),
  body: z
    .string()
    .max(MAX_MESSAGE_BYTES, `a mail has at most ${MAX_MESSAGE_BYTES} bytes; shorten it`)
    .refine((text) => !text.includes("\u0000"), "a body has no NUL characters; leave them out"),
});

function describeIssue(issue: z.core.$ZodIssue): string {
  return `\`${issue.path.join(".") || "arguments"}\`: ${issue.message.toLowerCase()}`;
}
