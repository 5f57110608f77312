import { fileURLToPath } from "node:url";
import { startNode, stopChild } from "../gateway/child.ts";

/** Bytes after a garbage collection. */
export interface Footprint {
  readonly heap: number;
  /** Memory outside the garbage-collected heap that belongs to JavaScript objects; the parser's WebAssembly memory is only in `resident`. */
  readonly external: number;
  readonly resident: number;
}

export interface LoadCost {
  readonly policies: number;
  readonly loadMs: number;
  readonly before: Footprint;
  readonly after: Footprint;
}

export interface ReloadCost {
  readonly policies: number;
  readonly reloadMs: number;
  /** After how many reloads each footprint was taken. */
  readonly footprints: readonly { readonly reloads: number; readonly at: Footprint }[];
}

/** Loads a folder of `policies` once, in a process of its own. */
export async function measureLoad(policies: number): Promise<LoadCost> {
  // unsafe: what the child prints is a LoadCost
  return (await ask(["load", String(policies)])) as LoadCost;
}

/** Loads a folder of `policies` over and over, each time with other texts, in a process of its own. */
export async function measureReloads(policies: number, marks: readonly number[]): Promise<ReloadCost> {
  // unsafe: what the child prints is a ReloadCost
  return (await ask(["reload", String(policies), ...marks.map(String)])) as ReloadCost;
}

/** A young generation of fixed size: it would otherwise double a few times and hide in resident memory what is really kept. */
const FLAGS = ["--expose-gc", "--max-semi-space-size=2"];

async function ask(words: readonly string[]): Promise<unknown> {
  const program = fileURLToPath(new URL("memory-child.ts", import.meta.url));
  const { child, match } = await startNode([...FLAGS, program, ...words], { ready: /^\{.*\}$/mu });
  await stopChild(child);
  return JSON.parse(match);
}
