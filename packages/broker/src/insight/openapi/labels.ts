import type { FieldType } from "@bailiwick/policy";

/** Words in the names of fields that usually hold what not everybody may see, or what others wrote. */
const WORDS: readonly (readonly [string, RegExp])[] = [
  ["secret", /(?:^|_)(?:password|passwd|secret|token|api_?key|private_key|pin|cvv|cvc)(?:_|$)/u],
  [
    "pii",
    /(?:^|_)(?:e?mail|phone|mobile|fax|first_?name|last_?name|full_?name|surname|birth(?:day|date)?|dob|ssn|social_security|passport|tax_?id|vat_?id|iban|bic|account_number|card_number|street|postal_?code|zip|address|ip_?address|latitude|longitude|salary|gender|nationality)(?:_|$)/u,
  ],
  ["untrusted", /(?:^|_)(?:body|comment|comments|description|message|note|notes|content|subject|title|text|bio|summary)(?:_|$)/u],
];

/** Labels to propose, by dotted path of a record's fields. */
export function proposedLabels(fields: Readonly<Record<string, FieldType>>, below = ""): Readonly<Record<string, readonly string[]>> {
  const labels: Record<string, readonly string[]> = {};
  for (const [key, type] of Object.entries(fields)) {
    const name = key.replace(/\?$/u, "");
    const path = `${below}${name}`;
    const inner: FieldType = isList(type) ? type[0] : type;
    if (typeof inner === "object" && !isList(inner)) {
      Object.assign(labels, proposedLabels(inner, `${path}.`));
      continue;
    }
    const word = name
      .replaceAll(/([a-z0-9])([A-Z])/gu, "$1_$2")
      .replaceAll("-", "_")
      .toLowerCase();
    const found = inner === "email" ? "pii" : inner === "string" ? WORDS.find(([, pattern]) => pattern.test(word))?.[0] : undefined;
    if (found !== undefined) labels[path] = [found];
  }
  return labels;
}

function isList(type: FieldType): type is readonly [FieldType] {
  return Array.isArray(type);
}
