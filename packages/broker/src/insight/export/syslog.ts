import type { Classified, Severity } from "./classify.ts";
import { type ExportedRecord, oneLine, personOf, textOf } from "./exported-record.ts";
import type { ExportSource } from "./source.ts";

/** RFC 5424 section 6.2.1: 13, log audit. */
const FACILITY = 13;
const SYSLOG_SEVERITY: Readonly<Record<Severity, number>> = { informational: 6, low: 5, medium: 4, high: 3, critical: 2 };

/**
 * RFC 5612 reserves this number for examples. The project has none of its own; a receiver tells our elements by the name before it.
 */
export const SD_ID = "bailiwick@32473";

/** RFC 5424 section 6.4: a message that says of itself that it is UTF-8 begins with this. */
const BOM = "\uFEFF";

/** A message of RFC 5424 with structured data, and one sentence as its text. */
export function syslogMessage(record: ExportedRecord, classified: Classified, source: ExportSource): string {
  const { leaf } = record;
  const parameters: Readonly<Record<string, string | undefined>> = {
    id: record.id,
    tenant: record.tenant,
    index: String(record.index),
    kind: record.kind,
    disposition: classified.disposition,
    call: record.callId,
    environment: textOf(leaf, "environment"),
    agent: textOf(leaf, "agent"),
    user: personOf(record, "user"),
    by: personOf(record, "by"),
    person: personOf(record, "person"),
    session: textOf(leaf, "session"),
    run: textOf(leaf, "run"),
    tool: textOf(leaf, "tool"),
    operation: textOf(leaf, "operation"),
    action: textOf(leaf, "action"),
    effect: textOf(leaf, "effect"),
    verdict: textOf(leaf, "verdict"),
    status: textOf(leaf, "status"),
    code: textOf(leaf, "code"),
    policyVersion: textOf(leaf, "policyVersion"),
  };
  const data = Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [` ${name}="${sdValue(value)}"`]));
  return `${header(record, classified, source)} [${SD_ID}${data.join("")}] ${BOM}${oneLine(classified.summary)}`;
}

/** A line of another format as the text of a message of RFC 5424, for receivers that take nothing else. */
export function syslogAround(record: ExportedRecord, classified: Classified, source: ExportSource, line: string): string {
  return `${header(record, classified, source)} - ${line}`;
}

/** RFC 5424 section 6.3.3: a quotation mark, a backslash and a closing bracket are escaped. Control characters are made visible. */
export function sdValue(text: string): string {
  return oneLine(text).replaceAll(/["\\\]]/gu, (character) => `\\${character}`);
}

function header({ at, leaf }: ExportedRecord, { severity, event }: Classified, { host }: ExportSource): string {
  const priority = FACILITY * 8 + SYSLOG_SEVERITY[severity];
  return `<${priority}>1 ${at} ${headerField(host, 255)} bailiwick ${headerField(textOf(leaf, "broker"), 128)} ${headerField(event, 32)}`;
}

/** RFC 5424 section 6: visible ASCII of a limited length, or `-`. */
function headerField(text: string | undefined, max: number): string {
  const kept = (text ?? "").replaceAll(/[^\x21-\x7e]/gu, "_").slice(0, max);
  return kept === "" ? "-" : kept;
}
