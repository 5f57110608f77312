/** PostgreSQL appendix A: errors in what a statement names (class 42), which the server finds before it reads any record. */
const ABOUT_THE_TEXT = /^42[0-9A-Z]{3}$/;

const MAX_WORDS = 300;

const KNOWN: Readonly<Record<string, string>> = {
  "22": "a value does not fit what is done with it",
  "23": "the record would break a rule of the table (a key, a reference or a check)",
  "25": "it would change something, and only reading is allowed here",
  "40": "another transaction was in the way; try again",
  "53": "the database has not enough memory, space or connections for it",
  "54": "it is too complex for the database",
  "55": "the record is locked by another transaction; try again later",
};

/**
 * What the server said, without anything that may be a value of a record: details, hints and contexts never, the message only where it
 * speaks of the statement's text (`message` is absent where the agent did not write it).
 */
export function safeWords(code: string | undefined, message: string | undefined): string {
  if (code !== undefined && message !== undefined && ABOUT_THE_TEXT.test(code)) return message.slice(0, MAX_WORDS);
  return KNOWN[code?.slice(0, 2) ?? ""] ?? "it does not say more here; the operator finds it in the database's own log";
}
