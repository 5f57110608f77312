/** TCP and TLS handshakes, the look-up of the name included. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** Sockets to one API for one tenant, environment and workflow; more calls wait for one. */
export const MAX_CONNECTIONS = 64;

/** A larger body is no call of a tool but an upload. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Path and query. Most servers take 8 KiB of request line. */
export const MAX_TARGET_CHARACTERS = 8_000;

/** One header value. */
export const MAX_HEADER_CHARACTERS = 4_096;

/** What is passed on of an error's body: enough for the reason. */
export const MAX_ERROR_CHARACTERS = 4_000;
