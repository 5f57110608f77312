/** Who exports. */
export interface ExportSource {
  /** Version of the broker. */
  readonly version: string;
  /** Name of the host, as syslog headers have it. */
  readonly host: string;
}
