/** A text as a Cedar string literal. What an agent wrote stays one literal, whatever it holds. */
export function stringLiteral(text: string): string {
  return `"${text.toWellFormed().replaceAll(/["\\]|[^\x20-\x7E]/gu, escaped)}"`;
}

/** A number as a Cedar decimal; undefined where four digits after the point do not hold it. */
export function decimalLiteral(value: number): string | undefined {
  const text = value.toFixed(4);
  return Number(text) === value ? `decimal("${text.replace(/0{1,3}$/u, "")}")` : undefined;
}

/** Whether a key can stand after a dot. */
export function isIdentifier(key: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/u.test(key) && !RESERVED.has(key);
}

const RESERVED = new Set(["true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"]);

function escaped(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  // Letters of other languages are shown as they are; what could hide or turn text is not.
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
