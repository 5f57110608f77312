import type { StoredRecord } from "../../domain/audit.ts";
import type { ExportFormat } from "../../domain/export.ts";
import { cefLine } from "./cef.ts";
import { classify } from "./classify.ts";
import { cloudEvent, CLOUD_EVENTS_BATCH_TYPE } from "./cloud-events.ts";
import { CSV_HEADER, csvRow } from "./csv.ts";
import { exportedRecord, type ExportedRecord } from "./exported-record.ts";
import { jsonLine } from "./json-lines.ts";
import type { OcsfVersion } from "./ocsf/event.ts";
import { ocsf } from "./ocsf/ocsf.ts";
import type { ExportSource } from "./source.ts";
import { syslogAround, syslogMessage } from "./syslog.ts";

/** The end of a line, and of a record of RFC 4180. */
export const CRLF = "\r\n";

/**
 * A record as one line of a format, without its line break.
 * @throws UnreadableRecord when the record is nothing the broker wrote.
 */
export function formatRecord(format: ExportFormat, stored: StoredRecord, source: ExportSource): string {
  return lineOf(format, exportedRecord(stored), source);
}

/** The same as a message of RFC 5424: the format `syslog` is one already, the others become its text. @throws UnreadableRecord */
export function formatForSyslog(format: ExportFormat, stored: StoredRecord, source: ExportSource): string {
  const record = exportedRecord(stored);
  const line = lineOf(format, record, source);
  return format === "syslog" ? line : syslogAround(record, classify(record), source, line);
}

function lineOf(format: ExportFormat, record: ExportedRecord, source: ExportSource): string {
  const classified = classify(record);
  switch (format) {
    case "jsonl":
      return jsonLine(record, classified);
    case "csv":
      return csvRow(record, classified);
    case "ocsf":
    case "ocsf@1.6.0":
    case "ocsf@1.9.0":
      return JSON.stringify(ocsf({ record, classified, version: ocsfVersion(format), source }));
    case "cef":
      return cefLine(record, classified, source);
    case "syslog":
      return syslogMessage(record, classified, source);
    case "cloudevents":
      return cloudEvent(record, classified);
  }
}

function ocsfVersion(format: "ocsf" | "ocsf@1.6.0" | "ocsf@1.9.0"): OcsfVersion {
  switch (format) {
    case "ocsf":
      return "1.8.0";
    case "ocsf@1.6.0":
      return "1.6.0";
    case "ocsf@1.9.0":
      return "1.9.0";
  }
}

/** What stands above the lines of a file; empty for most formats. */
export function headOf(format: ExportFormat): string {
  return format === "csv" ? CSV_HEADER + CRLF : "";
}

export function lineEndOf(format: ExportFormat): string {
  return format === "csv" ? CRLF : "\n";
}

/** Several lines as the body of one request. */
export function bodyOf(format: ExportFormat, lines: readonly string[]): { readonly type: string; readonly body: string } {
  const body = headOf(format) + lines.map((line) => line + lineEndOf(format)).join("");
  switch (format) {
    case "jsonl":
      return { type: "application/x-ndjson", body };
    case "csv":
      return { type: "text/csv; charset=utf-8; header=present", body };
    case "ocsf":
    case "ocsf@1.6.0":
    case "ocsf@1.9.0":
      return { type: "application/json", body: `[${lines.join(",")}]` };
    case "cloudevents":
      return { type: CLOUD_EVENTS_BATCH_TYPE, body: `[${lines.join(",")}]` };
    case "cef":
    case "syslog":
      return { type: "text/plain; charset=utf-8", body };
  }
}

/** Records as the text of a file, one line each. @throws UnreadableRecord */
export async function* formatRecords(
  format: ExportFormat,
  records: AsyncIterable<StoredRecord> | Iterable<StoredRecord>,
  source: ExportSource,
): AsyncIterable<string> {
  const head = headOf(format);
  if (head !== "") yield head;
  for await (const record of records) yield formatRecord(format, record, source) + lineEndOf(format);
}
