import type { Mask } from "@bailiwick/policy";
import type { Binds } from "./bind.ts";
import { literal } from "./identifier.ts";

/** What a value that is masked becomes; texts by the mask, others as `maskValue` has it. Null stays. */
export function maskedSql(value: string, of: "text" | "number" | "boolean", mask: Mask, hash: HashSalt): string {
  if (of === "number") return `CASE WHEN ${value} IS NOT NULL THEN 0 END`;
  if (of === "boolean") return `CASE WHEN ${value} IS NOT NULL THEN FALSE END`;
  switch (mask) {
    // A token stands for one value of the session's vault; what a query answers may be put together from several.
    case "token":
    case "redact":
      return `CASE WHEN ${value} IS NOT NULL THEN '[redacted]'::text END`;
    case "hash":
      return `left(encode(sha256(convert_to(${hash.prefix()} || ${value}, 'UTF8')), 'hex'), 12)`;
    case "partial":
      return partial(value);
  }
}

/** The salt as a bind value, once for a statement and only where it is needed. */
export interface HashSalt {
  prefix(): string;
}

export function hashSalt(salt: string, binds: Binds): HashSalt {
  let placeholder: string | undefined;
  return { prefix: () => (placeholder ??= `${binds.add(`${String(Buffer.byteLength(salt))}\n${salt}`)}::text`) };
}

/** What JavaScript takes for white space: an e-mail address holds none of it. */
const SPACES = literal(
  "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
);

/** As `maskValue`: the first letter and the domain of an e-mail address, the last four characters of a text of eight or more. */
function partial(v: string): string {
  // Counted from the end, since the last `@` counts; 0 without one.
  const at = `strpos(reverse(${v}), '@')`;
  const isAddress = `${at} > 0 AND ${at} < char_length(${v}) AND translate(${v}, ${SPACES}, '') = ${v}`;
  return (
    `CASE WHEN ${isAddress} THEN left(${v}, 1) || '***' || right(${v}, ${at})` +
    ` WHEN char_length(${v}) < 8 THEN repeat('*', char_length(${v}))` +
    ` ELSE repeat('*', char_length(${v}) - 4) || right(${v}, 4) END`
  );
}
