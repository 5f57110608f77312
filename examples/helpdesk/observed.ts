/** What an agent saw of one call, whatever came of it. */
export interface Observed {
  readonly kind: "result" | "refused" | "pending" | "tool_error" | "unknown";
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  /** Of a refused call: its number in the log, to be explained by. */
  readonly callId?: string | undefined;
  readonly hidden: readonly string[];
  readonly masked: readonly string[];
  readonly rowsRemoved: number;
  readonly rules: readonly ObservedRule[];
  readonly next: readonly Readonly<Record<string, unknown>>[];
  /** Of a held call: what a person answers to. */
  readonly ticket?: string | undefined;
  /** The tool answered, and its answer is a failure or "no such record". */
  readonly failed: boolean;
  /** The structured part of a result. */
  readonly record: Readonly<Record<string, unknown>>;
  /** Everything the agent was given, as text: nothing secret may stand in it. */
  readonly text: string;
}

export interface ObservedRule {
  readonly id: string;
  readonly reason: string;
  readonly at: { readonly file: string; readonly line: number };
}
