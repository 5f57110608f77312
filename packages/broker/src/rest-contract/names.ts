/** Begins every operator key, so that one is told from a person's token, and from an agent's, at a glance. */
export const OPERATOR_KEY_PREFIX = "bwop_";
/** Begins every token of a signed-in person. */
export const PERSON_TOKEN_PREFIX = "bwps_";
/** The cookie a signed-in browser sends. */
export const PERSON_COOKIE = "bailiwick_person";
/** The same behind https. */
export const PERSON_COOKIE_SECURE = "__Host-bailiwick_person";
/** Sent by our page and our command line; another site cannot add it without a CORS preflight, which we never answer. */
export const CLIENT_HEADER = "x-bailiwick-client";
