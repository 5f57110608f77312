/** Memory for the server's page cache; a broker's working set is small. */
const SHARED_BUFFERS = "64MB";
/** Bounds both the write-ahead log on disk and the time recovery takes. */
const MAX_WAL_SIZE = "256MB";

/** Command line of the server. Given here and not in a file, so that an edited postgresql.conf cannot turn durability off. */
export function serverArguments(data: string, socket: string, maxConnections: number): readonly string[] {
  const settings: Readonly<Record<string, string>> = {
    listen_addresses: "",
    port: "5432",
    unix_socket_directories: socket,
    unix_socket_permissions: "0700",
    ssl: "off",
    max_connections: String(maxConnections),
    fsync: "on",
    full_page_writes: "on",
    synchronous_commit: "on",
    shared_buffers: SHARED_BUFFERS,
    max_wal_size: MAX_WAL_SIZE,
    min_wal_size: "48MB",
    io_method: "sync",
    timezone: "UTC",
    log_timezone: "UTC",
    password_encryption: "scram-sha-256",
    // Passwords here are 256 random bits: stretching them would only make each connection slower.
    scram_iterations: "1",
    // Statements can hold tenants' data; the server's log must not.
    log_min_error_statement: "panic",
    log_statement: "none",
  };
  return ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}
