import type { IncomingMessage } from "node:http";
import { OAuthError } from "./oauth-error.ts";

/** A token request is a form of a few kilobytes: assertion, task and data. */
export const MAX_FORM_BYTES = 64 * 1024;

/** The body of a form that was larger than MAX_FORM_BYTES: answered 413. */
export class FormTooLarge extends OAuthError {}

/** A form with each parameter once, and its text. */
export interface TokenForm {
  readonly fields: Readonly<Record<string, string>>;
  readonly text: string;
}

/** @throws OAuthError `invalid_request`: not a form, larger than MAX_FORM_BYTES, or a parameter twice. */
export async function readForm(req: IncomingMessage): Promise<TokenForm> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/iu.test(req.headers["content-type"] ?? ""))
    throw new OAuthError("invalid_request", "send the request as `application/x-www-form-urlencoded`");
  if (Number(req.headers["content-length"] ?? 0) > MAX_FORM_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.byteLength;
    if (size > MAX_FORM_BYTES) throw tooLarge();
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  return { fields: singleFields(text), text };
}

/** RFC 6749 section 3.2: parameters must not be included more than once, and one without a value is as if left out. */
function singleFields(text: string): Readonly<Record<string, string>> {
  const seen = new Set<string>();
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    if (seen.has(name)) throw new OAuthError("invalid_request", "a parameter is sent twice; send each once");
    seen.add(name);
    if (value !== "") fields[name] = value;
  }
  return fields;
}

function tooLarge(): OAuthError {
  return new FormTooLarge("invalid_request", `the request is larger than ${MAX_FORM_BYTES} bytes; send less`);
}
