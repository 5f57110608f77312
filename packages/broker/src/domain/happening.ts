/**
 * Something that people who look at the broker want to see at once. Only a hint at what to look for again: it names no person, holds no value,
 * and may come twice.
 */
export interface Happening {
  readonly tenant: string;
  readonly kind: "approval" | "elevation" | "call" | "stop" | "policy" | "tools";
  /** What it is about, when that is one thing. */
  readonly id?: string | undefined;
}

export interface Happenings {
  /** Returns the function that stops listening. `undefined` means that some may have been missed: look at everything again. */
  subscribe(listener: (happening: Happening | undefined) => void): () => void;
}
