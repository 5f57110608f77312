const WORD = /^[\w@%+=:,./-]+$/u;

/** Whether a shell takes a text as one word, whatever it is. Nothing else that somebody else chose is put into a command that a person will paste. */
export function isShellWord(text: string): boolean {
  return WORD.test(text);
}
