import { MIN_SECRET_CHARS } from "../../call/scrub.ts";
import { Fault } from "../../domain/fault.ts";

/** A value as a source outside the store gives it. */
export interface SourcedValue {
  readonly value: string;
  /** Tells one value from the one before: the source's own version, or the time it was changed. */
  readonly version: number;
  /** When this value came to be there, when the source knows. */
  readonly since?: Date | undefined;
}

/** A place where the broker finds values that it does not keep itself. */
export interface ValueSource {
  /** Undefined when there is nothing at the place. @throws Fault `credential_unavailable` when it may not or cannot be read; no value is in its text. */
  read(place: string): Promise<SourcedValue | undefined>;
}

/** A PEM key with its chain. */
export const MAX_VALUE_BYTES = 64 * 1024;

/**
 * The text without the line end that editors add.
 * @throws Fault `credential_unavailable` when it is none the broker could keep out of results.
 */
export function usableValue(text: string, place: string): string {
  const value = text.replace(/\r?\n$/u, "");
  if (value.length < MIN_SECRET_CHARS || !value.isWellFormed()) {
    throw new Fault(
      "credential_unavailable",
      `the value at \`${place}\` has fewer than ${MIN_SECRET_CHARS} characters or is no text; a shorter one could not be told from ordinary text in results, use a longer one`,
    );
  }
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) {
    throw new Fault("credential_unavailable", `the value at \`${place}\` is larger than ${MAX_VALUE_BYTES} bytes; name the right place`);
  }
  return value;
}
