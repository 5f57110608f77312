/** A witness cannot start or cannot go on. The message says what happened and what to do. */
export class WitnessFault extends Error {
  override readonly name = "WitnessFault";
}
