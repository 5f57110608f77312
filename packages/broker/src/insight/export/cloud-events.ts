import type { Classified } from "./classify.ts";
import { type ExportedRecord, present, textOf } from "./exported-record.ts";

/** Media type of several events in one JSON array (CloudEvents JSON format, section 4). */
export const CLOUD_EVENTS_BATCH_TYPE = "application/cloudevents-batch+json";

/** Widest decimal of a safe integer: texts of this width sort as the numbers do, which the extension `sequence` asks for. */
const SEQUENCE_WIDTH = 16;

/** An event of CloudEvents 1.0 in its JSON format. `data.record` is the leaf byte for byte as it stands in the log. */
export function cloudEvent(record: ExportedRecord, { event, disposition, severity, summary }: Classified): string {
  const { id, tenant, index, callId, at, leaf, text, people } = record;
  const attributes = present({
    specversion: "1.0",
    id,
    source: `bailiwick://${encodeURIComponent(tenant)}/log`,
    type: `bailiwick.${event}`,
    subject: callId === "" ? undefined : callId,
    time: at,
    sequence: String(index).padStart(SEQUENCE_WIDTH, "0"),
    traceparent: textOf(leaf, "traceparent"),
    datacontenttype: "application/json",
  });
  const about = JSON.stringify(present({ disposition, severity, summary, people: Object.keys(people).length === 0 ? undefined : people }));
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${about.slice(0, -1)},"record":${text}}}`;
}
