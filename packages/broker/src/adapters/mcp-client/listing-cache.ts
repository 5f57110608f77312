import { isDeepStrictEqual } from "node:util";
import { stringAt } from "../mcp-protocol/index.ts";
import type { ToolListing } from "../../domain/tool.ts";
import { LISTING_MAX_AGE_MS } from "./limits.ts";
import { type ParamHeaders, paramHeaders } from "./param-headers.ts";

export interface ListingCache {
  get(): Promise<ToolListing>;
  /** What `get` would give at once; undefined when it would have to ask. */
  readonly peek: () => ToolListing | undefined;
  /** What was read last, whether or not it still counts. */
  readonly last: () => ToolListing | undefined;
  /** Which arguments of the tool travel in headers; undefined for a tool that is not listed. */
  mirror(tool: string): Promise<ParamHeaders | undefined>;
  invalidate(): void;
}

export interface ListingCacheOptions {
  read(): Promise<{ readonly listing: ToolListing; readonly announcesChanges: boolean }>;
  /** A listing read again by age turned out to differ. */
  onChange(): void;
}

interface Held {
  readonly listing: ToolListing;
  readonly announcesChanges: boolean;
  readonly mirrors: ReadonlyMap<string, ParamHeaders>;
  readonly readAt: number;
}

/** One reading at a time; a reading that began before an invalidation is given to those who wait for it, and kept by nobody. */
export function createListingCache(options: ListingCacheOptions): ListingCache {
  let held: Held | undefined;
  let last: ToolListing | undefined;
  let reading: Promise<Held> | undefined;
  let generation = 0;

  function read(): Promise<Held> {
    if (reading !== undefined) return reading;
    const began = generation;
    const mine = readOnce().then(
      (done) => {
        if (generation === began) {
          held = done;
          last = done.listing;
          reading = undefined;
        }
        return done;
      },
      (error: unknown) => {
        if (generation === began) reading = undefined;
        throw error;
      },
    );
    reading = mine;
    return mine;
  }

  async function readOnce(): Promise<Held> {
    const { listing, announcesChanges } = await options.read();
    const mirrors = new Map(listing.tools.map((tool) => [stringAt(tool, "name") ?? "", paramHeaders(tool) ?? new Map<string, string>()]));
    return { listing, announcesChanges, mirrors, readAt: performance.now() };
  }

  /** The old listing stays in use meanwhile: a server that never tells of changes must not slow each call down. */
  function refresh(old: Held): void {
    const compare = async (): Promise<void> => {
      const now = await read();
      if (!isDeepStrictEqual(old.listing, now.listing)) options.onChange();
    };
    compare().catch(() => undefined);
  }

  function fresh(): Held | undefined {
    if (held === undefined) return undefined;
    if (!held.announcesChanges && reading === undefined && performance.now() - held.readAt > LISTING_MAX_AGE_MS) refresh(held);
    return held;
  }

  return {
    get: async () => (fresh() ?? (await read())).listing,
    peek: () => fresh()?.listing,
    last: () => last,
    mirror: async (tool) => (fresh() ?? (await read())).mirrors.get(tool),
    invalidate() {
      generation += 1;
      held = undefined;
      reading = undefined;
    },
  };
}
