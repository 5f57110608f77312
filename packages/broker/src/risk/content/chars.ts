const DIGIT = 1;
const LETTER = 2;
const HEX = 4;

const CLASSES = new Uint8Array(128);
for (let code = 0; code < 128; code += 1) {
  const char = String.fromCharCode(code);
  CLASSES[code] = (/\d/u.test(char) ? DIGIT : 0) + (/[a-z]/iu.test(char) ? LETTER : 0) + (/[\da-f]/iu.test(char) ? HEX : 0);
}

/** ASCII only, by character code; `NaN` (beyond the end of a text) is none of them. */
export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

export function isLetter(code: number): boolean {
  return code < 128 && ((CLASSES[code] ?? 0) & LETTER) !== 0;
}

export function isHex(code: number): boolean {
  return code < 128 && ((CLASSES[code] ?? 0) & HEX) !== 0;
}

export function isAlphanumeric(code: number): boolean {
  return code < 128 && ((CLASSES[code] ?? 0) & (DIGIT | LETTER)) !== 0;
}

/** A letter or digit, also of another script: what a word goes on with. */
export function isWord(code: number): boolean {
  return isAlphanumeric(code) || code >= 0x80;
}
