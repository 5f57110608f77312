/** Keeps the newest text up to a bound, for instance what a child wrote to stderr. */
export interface Ring {
  push(text: string): void;
  text(): string;
}

/** `secrets` are blotted out when the text is read, so that a value cut by chunk borders is found as well. */
export function createRing(maxChars: number, secrets: readonly string[]): Ring {
  const wanted = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS);
  let kept = "";
  return {
    push(text) {
      kept = (kept + text).slice(-maxChars);
    },
    text() {
      return wanted.reduce((text, secret) => text.replaceAll(secret, "[secret]"), kept);
    },
  };
}

/** Shorter values occur by chance and would turn every text into blots. */
const MIN_SECRET_CHARS = 4;
