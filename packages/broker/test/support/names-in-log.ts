import type { AuditLog } from "../../src/domain/audit.ts";

/**
 * Leaves in which one of these words stands as a word of its own, each with the word. The names of a member of a leaf count as well; a word
 * within a pseudonym, a tag or another id does not.
 */
export async function namesInLog(log: Pick<AuditLog, "read">, tenant: string, words: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (let from = 0; ;) {
    const records = await log.read(tenant, from, 1_000);
    if (records.length === 0) return found;
    for (const { text } of records) found.push(...words.filter((word) => holds(text, word)).map((word) => `${word}: ${text}`));
    from += records.length;
  }
}

const PART_OF_A_WORD = /[A-Za-z0-9_-]/u;

function holds(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const around = [text[at - 1], text[at + word.length]];
    if (!around.some((each) => each !== undefined && PART_OF_A_WORD.test(each))) return true;
  }
  return false;
}
