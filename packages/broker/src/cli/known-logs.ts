import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatNoteKey, type LogKey, parseNoteKey } from "@bailiwick/ledger";
import { z } from "zod";
import { CliFailure } from "./failure.ts";

const KNOWN_LOGS_FILE = "known-logs.json";

const fileSchema = z.strictObject({
  version: z.literal(1),
  logs: z.record(
    z.string(),
    z.strictObject({
      origin: z.string(),
      keys: z.array(z.strictObject({ key: z.string(), from: z.int().min(0), until: z.int().min(0).optional() })).min(1),
      checkpoint: z.string(),
      verifiedAt: z.string(),
    }),
  ),
});

/** A log as it was when it was last verified from here. */
export interface KnownLog {
  readonly origin: string;
  /** Those the first key led to; the first was pinned when the log was first seen. */
  readonly keys: readonly LogKey[];
  /** The newest checkpoint then: the log has grown out of it, or is another. */
  readonly checkpoint: string;
  readonly verifiedAt: string;
}

/** Logs by tenant, as a data folder keeps them: pinned like the hosts of ssh. @throws CliFailure when the file cannot be read. */
export async function readKnownLogs(dataFolder: string): Promise<ReadonlyMap<string, KnownLog>> {
  const path = join(dataFolder, KNOWN_LOGS_FILE);
  try {
    const { logs } = fileSchema.parse(JSON.parse(await readFile(path, "utf8")));
    return new Map(Object.entries(logs).map(([tenant, log]) => [tenant, { ...log, keys: log.keys.map(keyOf) }]));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return new Map();
    throw new CliFailure("fault", `\`${path}\`, which pins the logs' keys, cannot be read`, [
      "restore it from a backup, or pin the key yourself with `--key <key>`",
    ]);
  }
}

/** Keeps what was verified, so that the next time shows whether the log is still the same. */
export async function keepKnownLog(dataFolder: string, tenant: string, log: KnownLog): Promise<void> {
  const logs = new Map(await readKnownLogs(dataFolder)).set(tenant, log);
  const content: z.input<typeof fileSchema> = {
    version: 1,
    logs: Object.fromEntries([...logs].map(([name, one]) => [name, { ...one, keys: one.keys.map(viewOf) }])),
  };
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const path = join(dataFolder, KNOWN_LOGS_FILE);
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600, flush: true });
  await rename(draft, path);
}

/** The file's path, for messages. */
export function knownLogsPath(dataFolder: string): string {
  return join(dataFolder, KNOWN_LOGS_FILE);
}

function keyOf({ key, from, until }: z.output<typeof fileSchema>["logs"][string]["keys"][number]): LogKey {
  return { key: parseNoteKey(key), from, until };
}

function viewOf({ key, from, until }: LogKey): { key: string; from: number; until?: number } {
  return { key: formatNoteKey(key), from, ...(until === undefined ? {} : { until }) };
}
