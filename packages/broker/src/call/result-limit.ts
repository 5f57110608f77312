/** Largest result that is taken from a tool; more is withheld and the outcome says so. */
export const MAX_RESULT_BYTES = 16 * 1024 * 1024;
