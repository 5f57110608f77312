/** Characters that are shown as nothing, or turn the direction of writing: with them a text reads as without. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** Without invisible characters, and compatible ones as one (Unicode NFKC): full-width letters are letters. */
export function visibleText(text: string): string {
  return text.replaceAll(INVISIBLE, "").normalize("NFKC");
}

/** In one spelling: what is visible, in lower case, every white space one blank. */
export function plainText(text: string): string {
  return visibleText(text).toLowerCase().replaceAll(/\s+/gu, " ").trim();
}
