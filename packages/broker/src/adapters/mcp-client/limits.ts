/** A server that has not answered `server/discover` by then is taken for one that only knows the handshake. */
export const DISCOVER_TIMEOUT_MS = 3_000;
/** Starting a child and shaking hands; generous because package runners unpack before they start. */
export const HANDSHAKE_TIMEOUT_MS = 20_000;
/** All pages of all lists together. */
export const LISTING_TIMEOUT_MS = 20_000;
/** `completion/complete`, `logging/setLevel` and `resources/subscribe`. */
export const SMALL_REQUEST_TIMEOUT_MS = 10_000;
/** TCP and TLS handshakes with a tool server. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** Calls in flight on one connection; more are refused before anything is sent. */
export const MAX_PENDING_CALLS = 512;
/** Sockets to one tool server. Each running call holds one, so that a stream never blocks another call. */
export const MAX_HTTP_CONNECTIONS = 512;
/** One page of a list or one small answer. */
export const MAX_LISTING_BYTES = 16 * 1024 * 1024;
/** A server that pages forever must not fill the memory. */
export const MAX_LIST_PAGES = 200;
/** What one message may be larger than the result it carries: ids, member names, white space. */
export const ENVELOPE_BYTES = 64 * 1024;
/** The largest line a child may write while no call is waiting. */
export const MAX_IDLE_LINE_BYTES = 1024 * 1024;
/** A list is asked for again after this time when the server never says that it changes. */
export const LISTING_MAX_AGE_MS = 60_000;

/** What is kept of a child's stderr for the operator. */
export const STDERR_KEEP_CHARS = 16 * 1024;
/** Between closing a child's stdin, SIGTERM and SIGKILL. */
export const STDIN_GRACE_MS = 500;
export const TERM_GRACE_MS = 2_000;
/** How long a replaced connection may finish the calls it has. */
export const RETIRE_GRACE_MS = 60_000;

/** Waits between attempts to start a server again; doubled each time, forgotten once it lived for BACKOFF_RESET_MS. */
export const BACKOFF_FIRST_MS = 200;
export const BACKOFF_MAX_MS = 30_000;
export const BACKOFF_RESET_MS = 10_000;
/** A call waits this long for a restart; longer waits are refused at once. */
export const BACKOFF_WAIT_MAX_MS = 2_000;

/** Rounds of `input_required` in one call, so that a server cannot keep an agent answering forever. */
export const MAX_INPUT_ROUNDS = 16;
/** Before a retry that carries no new input (the server only asked for time). */
export const EMPTY_ROUND_PAUSE_MS = 200;
/** How long an agent may take to answer what a tool asks. This time does not count as the tool's. */
export const ASK_MAX_MS = 600_000;

/** Bounds on the poll interval a server wishes for its tasks. */
export const TASK_POLL_MIN_MS = 50;
export const TASK_POLL_DEFAULT_MS = 1_000;
export const TASK_POLL_MAX_MS = 5_000;
/** A task is followed for its `ttlMs`, at most this long. */
export const TASK_MAX_MS = 3_600_000;

/** After the answer arrived on a stream, how long the server may take to end it before the socket is closed. */
export const STREAM_DRAIN_MS = 1_000;
/** A stream cut before its answer is resumed by event id (MCP 2025-11-25, transports), this often at most. */
export const MAX_STREAM_RESUMES = 10;
export const STREAM_RETRY_DEFAULT_MS = 1_000;
