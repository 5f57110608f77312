/** How records are written for another system. `ocsf` is OCSF 1.8.0. */
export const EXPORT_FORMATS = ["jsonl", "csv", "ocsf", "ocsf@1.6.0", "ocsf@1.9.0", "cef", "syslog", "cloudevents"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The right to deliver under one name; of several brokers one has it. */
export interface CursorLease {
  /** Aborted when the right was lost, for instance with the database connection that held it. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** How far each export has come. A name is `<tenant>/<export>`. */
export interface CursorStore {
  /** Index of the next record to deliver; 0 for a name never saved. */
  load(name: string): Promise<number>;
  /** Durable when it resolves. INVARIANT: a saved cursor never goes back; a smaller `next` changes nothing. */
  save(name: string, next: number): Promise<void>;
  /** Undefined while another broker has it. */
  lease(name: string): Promise<CursorLease | undefined>;
}

/** How an export stands, on the broker that was asked. */
export interface ExportStatus {
  readonly name: string;
  readonly tenant: string;
  readonly format: ExportFormat;
  /**
   * `delivering`: all is well. `retrying`: the destination could not be reached and is tried again soon. `stopped`: it refused, or records are
   * missing; tried again slowly, because somebody has to change something. `elsewhere`: another broker delivers.
   */
  readonly state: "starting" | "delivering" | "retrying" | "stopped" | "elsewhere";
  /** Index of the next record to deliver. */
  readonly next: number;
  /** Index of the log's newest record; -1 while it has none. */
  readonly newest: number;
  readonly lagRecords: number;
  readonly lastError?: string | undefined;
  /** Since when it fails. */
  readonly since?: Date | undefined;
}
