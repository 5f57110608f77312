import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import { readBrokerFile } from "../config/data-folder.ts";
import type { StoredRecord } from "../domain/audit.ts";
import { EXPORT_FORMATS, type ExportFormat } from "../domain/export.ts";
import { UnreadableRecord } from "../insight/export/exported-record.ts";
import { formatRecord, headOf, lineEndOf } from "../insight/export/formats.ts";
import type { ExportSource } from "../insight/export/source.ts";
import { recordSchema } from "../rest-contract/schemas.ts";
import type { BrokerClient } from "./broker-client.ts";
import type { Cli } from "./cli.ts";
import { CliFailure } from "./failure.ts";
import { stopSignal } from "./stop-signal.ts";

/** Records of one request; the interface gives no more. */
const PAGE = 1_000;
/** How often `--follow` asks for new records. */
const FOLLOW_MS = 2_000;

interface ExportOptions {
  readonly tenant?: string;
  readonly format: string;
  readonly from: string;
  readonly to?: string;
  readonly out?: string;
  readonly follow?: boolean;
}

/** `bailiwick audit export`. */
export function addAuditExport(audit: Command, cli: Cli): void {
  audit
    .command("export")
    .description("records in a format that other systems read, in the order of the log")
    .option("--tenant <tenant>", "whose log; needed when there are several")
    .option("--format <format>", EXPORT_FORMATS.join(", "), "jsonl")
    .option("--from <index>", "index of the first record", "0")
    .option("--to <index>", "index of the last record")
    .option("--out <file>", "append to this file instead of writing to stdout")
    .option("--follow", "go on with new records until stopped")
    .action(async (options: ExportOptions) => {
      const wish = {
        tenant: options.tenant,
        format: formatOf(options.format),
        from: indexOf("--from", options.from),
        to: options.to === undefined ? Number.MAX_SAFE_INTEGER : indexOf("--to", options.to),
        follow: options.follow === true,
      };
      const sink = await openSink(cli, options.out);
      try {
        const next = await exportRecords(cli, wish, sink);
        if (options.out !== undefined) cli.answer({ records: next - wish.from, next }, "");
        cli.talk(next === wish.from ? `no records from ${wish.from} on` : `records ${wish.from} to ${next - 1} are written`);
        cli.talk(`go on with \`bailiwick audit export --from ${next}\``);
      } finally {
        await sink.close();
      }
    });
}

interface Wish {
  readonly tenant: string | undefined;
  readonly format: ExportFormat;
  readonly from: number;
  readonly to: number;
  readonly follow: boolean;
}

/** Writes page after page. Returns the index to go on with. */
async function exportRecords(cli: Cli, wish: Wish, sink: Sink): Promise<number> {
  const broker = await cli.broker();
  const source: ExportSource = { version: (await readBrokerFile(cli.dataFolder()))?.version ?? "unknown", host: hostname() };
  const stop = stopSignal();
  const stopped = new AbortController();
  void stop.asked.then(() => stopped.abort());
  try {
    let next = wish.from;
    if (sink.empty) await sink.write(headOf(wish.format));
    while (next <= wish.to && !stopped.signal.aborted) {
      const records = await readPage(broker, wish.tenant, next, Math.min(PAGE, wish.to - next + 1));
      const [first] = records;
      if (first === undefined) {
        if (!wish.follow) break;
        // Ended early by the signal to stop, which is no failure.
        await sleep(FOLLOW_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
        continue;
      }
      if (first.index > next) cli.talk(`records ${next} to ${first.index - 1} are no longer in the log`);
      await sink.write(
        linesOf(
          wish.format,
          records.filter(({ index }) => index <= wish.to),
          source,
        ),
      );
      next = Math.min(records.at(-1)?.index ?? next, wish.to) + 1;
    }
    return next;
  } finally {
    stop.forget();
  }
}

function linesOf(format: ExportFormat, records: readonly StoredRecord[], source: ExportSource): string {
  try {
    return records.map((record) => formatRecord(format, record, source) + lineEndOf(format)).join("");
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    throw new CliFailure("refused", error.message, ["see how far the log is whole with `bailiwick audit verify`"]);
  }
}

/** The interface gives pseudonyms: an export outlives an erasure, and a name in it would as well. */
async function readPage(broker: BrokerClient, tenant: string | undefined, from: number, limit: number): Promise<readonly StoredRecord[]> {
  const answer = await broker.get("/audit/records", z.object({ tenant: z.string(), records: z.array(recordSchema) }), {
    tenant,
    from: String(from),
    limit: String(limit),
  });
  return answer.records.map(({ tenant: of, index, kind, callId, at, text }) => ({ tenant: of, index, kind, callId, at, text, people: {} }));
}

interface Sink {
  /** Whether nothing was written before: a file of CSV has its headings once. */
  readonly empty: boolean;
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

async function openSink(cli: Cli, out: string | undefined): Promise<Sink> {
  if (out === undefined) {
    const { stdout } = cli.io;
    return {
      empty: true,
      write: async (text) => {
        if (!stdout.write(text)) await once(stdout, "drain");
      },
      close: async () => undefined,
    };
  }
  const file = await openFile(resolve(cli.io.cwd, out));
  return {
    empty: (await file.stat()).size === 0,
    write: (text) => file.appendFile(text, "utf8"),
    close: async () => {
      await file.sync();
      await file.close();
    },
  };
}

/** For the owner only: records say who did what. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "a", 0o600);
  } catch {
    throw new CliFailure("usage", `\`${path}\` cannot be written`, ["name a file in a folder that exists and is yours"]);
  }
}

function formatOf(text: string): ExportFormat {
  const format = EXPORT_FORMATS.find((each) => each === text);
  if (format !== undefined) return format;
  throw new CliFailure("usage", `there is no format \`${text}\``, [`choose one of ${EXPORT_FORMATS.join(", ")}`]);
}

function indexOf(option: string, text: string): number {
  const index = Number(text);
  if (/^\d{1,15}$/u.test(text) && Number.isSafeInteger(index)) return index;
  throw new CliFailure("usage", `\`${option}\` takes the index of a record, from 0 on, not \`${text}\``);
}
