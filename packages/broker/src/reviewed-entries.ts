import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject, Policy } from "@bailiwick/policy";
import { z } from "zod";
import type { CallPorts } from "./call/ports.ts";
import { fingerprint } from "./domain/fingerprint.ts";
import type { ReviewedEntries } from "./domain/reviewed-entries.ts";
import { reviewedNow } from "./insight/tool-states.ts";

/** How often it is looked what tools offer that a person reviewed. */
const LOOK_MS = 30_000;
/** A larger entry is no description that somebody read. */
const MAX_ENTRY_BYTES = 256 * 1024;
const FOLDER = "reviewed";

export interface ReviewedEntriesParts {
  readonly tools: CallPorts["tools"];
  readonly policy: () => Policy;
  /** Entries are files in its `reviewed` folder. */
  readonly dataFolder: string;
  readonly onFault: (error: unknown) => void;
}

/** Keeps entries that people reviewed while tools still offer them, so that a later change can be shown beside what it changed. */
export interface KeptReviewedEntries extends ReviewedEntries {
  /** Keeps what is offered now; done every so often by itself. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export function keepReviewedEntries({ tools, policy, dataFolder, onFault }: ReviewedEntriesParts): KeptReviewedEntries {
  const folder = join(dataFolder, FOLDER);
  const kept = new Set<string>();
  const look = async (): Promise<void> => {
    for (const entry of reviewedNow({ tools }, policy())) {
      const name = fingerprint(entry);
      if (kept.has(name)) continue;
      await keep(folder, name, entry);
      kept.add(name);
    }
  };
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch(onFault);
  }, LOOK_MS);
  timer.unref();
  return {
    look,
    find: (name) => find(folder, name),
    close: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}

async function keep(folder: string, name: string, entry: JsonObject): Promise<void> {
  const text = JSON.stringify(entry);
  const path = pathOf(folder, name);
  if (path === undefined || Buffer.byteLength(text) > MAX_ENTRY_BYTES) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Whole or not at all: a reader never sees half of it.
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
}

const entrySchema = z.record(z.string(), z.json());

/** What is there under this name, unless it is not what the name says: then somebody else wrote it. */
async function find(folder: string, name: string): Promise<JsonObject | undefined> {
  const path = pathOf(folder, name);
  if (path === undefined) return undefined;
  try {
    if ((await stat(path)).size > MAX_ENTRY_BYTES) return undefined;
    const entry = entrySchema.parse(JSON.parse(await readFile(path, "utf8")));
    return fingerprint(entry) === name ? entry : undefined;
  } catch {
    return undefined;
  }
}

function pathOf(folder: string, name: string): string | undefined {
  const hex = /^sha256:([0-9a-f]{64})$/u.exec(name)?.[1];
  return hex === undefined ? undefined : join(folder, `${hex}.json`);
}
