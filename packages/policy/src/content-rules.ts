import type { RuleRef } from "./types.ts";

/** What a rule can look for in texts; docs/spec/content.md says how each is found. */
export const CONTENT_KINDS = ["email", "phone", "card", "iban", "ssn", "ip", "url", "secret"] as const;

export type ContentKind = (typeof CONTENT_KINDS)[number];

/** What is done with a value that was found. `withhold` replaces the whole text that holds it. */
export type ContentMeasure = "redact" | "partial" | "hash" | "token" | "withhold";

/** What may not be in an argument as it is. */
export interface ArgumentContent {
  readonly kinds: readonly ContentKind[];
  /** Values of fields with these labels, as far as the run is known to have seen them. */
  readonly labels: readonly string[];
  /** Paths that start with `args`. Absent: every text of the arguments. */
  readonly in?: readonly string[] | undefined;
  readonly do: "refuse" | Exclude<ContentMeasure, "withhold">;
}

/** What may not be in a result as it is. */
export interface ResultContent {
  readonly kinds: readonly ContentKind[];
  /** Field paths of the returned records. Absent: every text of the result. */
  readonly in?: readonly string[] | undefined;
  readonly do: ContentMeasure;
}

/** How a text that leaves has to be worded. */
export interface WordingContent {
  /** Paths that start with `args`. Absent: every text of the arguments. */
  readonly in?: readonly string[] | undefined;
  /** Phrases, compared without case and with any white space between words; between slashes, patterns of RE2. */
  readonly block: readonly string[];
  /** Phrases of which each must stand in one of the texts. */
  readonly require: readonly string[];
  /** Every text must be one of these; `{name}` stands for some text without a line break. Empty: any text. */
  readonly templates: readonly string[];
  /** Hosts that links may lead to; `*.` before one stands for everything below it. Absent: any. */
  readonly links?: readonly string[] | undefined;
}

/** What one rule demands of the texts of a call. */
export interface ContentRules {
  readonly arguments: readonly ArgumentContent[];
  readonly results: readonly ResultContent[];
  readonly wording?: WordingContent | undefined;
}

/** The same, with the rule that demands it. */
export interface ContentDemand extends ContentRules {
  readonly rule: RuleRef;
}
