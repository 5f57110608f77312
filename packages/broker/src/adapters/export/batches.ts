import type { StoredRecord } from "../../domain/audit.ts";
import type { ExportFormat } from "../../domain/export.ts";
import { formatForSyslog, formatRecord } from "../../insight/export/formats.ts";
import type { ExportSource } from "../../insight/export/source.ts";
import type { Batch, Destination } from "./destination.ts";

/** A request larger than this is refused by many receivers. One record alone may be larger. */
const MAX_BATCH_BYTES = 1_048_576;

/** The log no longer has the next record. `message` says which are missing. */
export class MissingRecords extends Error {
  override readonly name = "MissingRecords";
}

/**
 * Records as batches in their order. What comes before a record that cannot be written is still a batch.
 * @throws MissingRecords, UnreadableRecord: when it is their turn.
 */
export function* batchesOf(
  records: readonly StoredRecord[],
  options: { readonly next: number; readonly format: ExportFormat; readonly wants: Destination["wants"]; readonly source: ExportSource },
): Iterable<Batch> {
  const { format, source } = options;
  const write = options.wants === "lines" ? formatRecord : formatForSyslog;
  let lines: string[] = [];
  let bytes = 0;
  let next = options.next;
  const batch = (tenant: string): Batch => ({ tenant, format, first: next - lines.length, last: next - 1, lines });
  for (const record of records) {
    const line = attempt(() => {
      requireNext(record, next);
      return write(format, record, source);
    });
    const size = line.ok ? Buffer.byteLength(line.text, "utf8") : 0;
    if (lines.length > 0 && (!line.ok || bytes + size > MAX_BATCH_BYTES)) {
      yield batch(record.tenant);
      lines = [];
      bytes = 0;
    }
    if (!line.ok) throw line.error;
    lines.push(line.text);
    bytes += size;
    next += 1;
  }
  const tenant = records[0]?.tenant;
  if (tenant !== undefined && lines.length > 0) yield batch(tenant);
}

type Attempt = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: Error };

function attempt(make: () => string): Attempt {
  try {
    return { ok: true, text: make() };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** A gap is retirement, or somebody's hand in the log: neither is passed over in silence. */
function requireNext({ tenant, index }: StoredRecord, next: number): void {
  if (index === next) return;
  throw new MissingRecords(
    index > next
      ? `records ${next} to ${index - 1} of \`${tenant}\` are gone from the log before they were delivered; check it with \`bailiwick audit verify\`, then set \`from: ${index}\` to go on`
      : `the log of \`${tenant}\` gave record ${index} where ${next} comes next; check it with \`bailiwick audit verify\``,
  );
}
