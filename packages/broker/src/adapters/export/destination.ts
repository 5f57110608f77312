import type { ExportFormat } from "../../domain/export.ts";

/** Records in the order of the log, none left out between the first and the last. */
export interface Batch {
  readonly tenant: string;
  readonly format: ExportFormat;
  readonly first: number;
  readonly last: number;
  /** One a record, without line breaks. */
  readonly lines: readonly string[];
}

/** Where records go. */
export interface Destination {
  /** Whether it wants messages of RFC 5424, whatever the format. */
  readonly wants: "lines" | "syslog messages";
  /** Resolves when the destination has all of the batch. @throws DeliveryFault */
  deliver(batch: Batch): Promise<void>;
}

/** `unreachable`: the same batch may be taken later. `refused`: it will not be until somebody changes something. */
export type DeliveryFaultCode = "unreachable" | "refused";

/** A batch did not arrive, or nobody knows that it did. */
export class DeliveryFault extends Error {
  override readonly name = "DeliveryFault";
  readonly code: DeliveryFaultCode;
  constructor(code: DeliveryFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The code of a system's error, such as `ECONNREFUSED`, or its message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}
