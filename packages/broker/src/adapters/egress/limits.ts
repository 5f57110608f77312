/** The look-up of the name is included. */
export const DIAL_TIMEOUT_MS = 5_000;

/** Lines of one session at once: a browser opens a dozen, a package manager some more. */
export const MAX_LINES_PER_SESSION = 64;

/** Connections to the proxy at once. */
export const MAX_CONNECTIONS = 2_048;

/** A line over which nothing went for so long is closed. */
export const IDLE_TIMEOUT_MS = 60_000;

/**
 * How often the session of an open line is looked at again. Its end is heard of at once; this is for one that was not heard of, because it
 * came between the call's intent and its line, or while the broker had lost its connection to the database.
 */
export const RECHECK_MS = 30_000;

/** Both ways together. More than this is no work of an agent but a copy of something. */
export const MAX_LINE_BYTES = 1024 * 1024 * 1024;

/** A client that sends its request line and headers slower than this is cut off. */
export const HEADERS_TIMEOUT_MS = 10_000;

/** Request line and headers. */
export const MAX_HEADER_BYTES = 32 * 1024;
