/** What the scanner can find; docs/spec/content.md says how. Names, places and dates have no form of their own: they would need a model. */
export const FINDING_KINDS = ["email", "phone", "card", "iban", "ssn", "ip", "url", "secret"] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

/** A place in a text, in UTF-16 units: `text.slice(start, end)` is the value as it was written. */
export interface Finding {
  readonly kind: FindingKind;
  readonly start: number;
  readonly end: number;
  /** `checked`: check digits, a registry or a full grammar agree. `shaped`: it looks like one and nothing more is known. */
  readonly sure: "checked" | "shaped";
  /** Of a secret: what it opens, in words for people (`GitHub token`); never a part of it. */
  readonly what?: string | undefined;
}
