/** Rows of one result: an agent that needs more needs another statement; more rows fail, they are never cut silently. */
export const MAX_ROWS = 1_000;

/** Connections per tool, tenant, environment and workflow; further calls queue. */
export const MAX_CONNECTIONS = 4;

/** How long a call waits for a connection before it gives up with nothing sent. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** An idle connection is closed after this time, so that a rotated login is not held for long. */
export const IDLE_TIMEOUT_MS = 30_000;

/** Added to a statement's own deadline before the line is cut: the server's cancel is exact, ours is not. */
export const CANCEL_GRACE_MS = 1_000;
