/** Why a statement is refused, and where. `word` is what stands there; nothing else of the text is repeated. */
export class Misread extends Error {
  override readonly name = "Misread";
  readonly word: string | undefined;
  /** Byte in the text, from 0 on, as the parser counts. */
  readonly byte: number | undefined;
  readonly why: string;

  constructor(word: string | undefined, why: string, byte?: number) {
    super(why);
    this.word = word;
    this.why = why;
    this.byte = byte;
  }
}
