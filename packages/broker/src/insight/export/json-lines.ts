import type { Classified } from "./classify.ts";
import type { ExportedRecord } from "./exported-record.ts";

/**
 * One JSON object. `record` holds the leaf byte for byte as it stands in the log, so that its hash can be computed from what was exported; names
 * stand beside it, never in it.
 */
export function jsonLine(record: ExportedRecord, { event, disposition, severity, summary }: Classified): string {
  const { id, tenant, index, text, people } = record;
  const before = JSON.stringify({ id, tenant, index, event, disposition, severity, summary });
  const names = Object.keys(people).length === 0 ? "" : `,"people":${JSON.stringify(people)}`;
  return `${before.slice(0, -1)},"record":${text}${names}}`;
}
