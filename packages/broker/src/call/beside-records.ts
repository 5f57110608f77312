import type { Json, JsonObject, Returns } from "@bailiwick/policy";
import { readPath } from "./paths.ts";

/** What a filtered result shows of what stood beside its records. */
export interface BesideRecords {
  readonly returns: Returns;
  /** Records that are shown. */
  readonly visible: number;
  readonly seal: (cursor: Json) => string;
}

/**
 * A result with its records as they are shown, and beside them only what the catalog names: whatever else a tool adds (totals, facets, links,
 * messages) may speak of records that this agent does not see. A count becomes the number of records shown here: the tool alone knows the
 * others, and it does not know which of them are hidden.
 */
export function withRecords(source: Json, records: Json, { returns, visible, seal }: BesideRecords): Json {
  const root: JsonObject = { result: source };
  const kept = (path: string): readonly (readonly [string, Json])[] => {
    const value = readPath(root, path);
    return value === undefined ? [] : [[path, value]];
  };
  const entries: readonly (readonly [string, Json])[] = [
    [returns.at, records],
    ...returns.keep.flatMap(kept),
    ...returns.counts.flatMap(kept).map(([path, total]) => [path, typeof total === "string" ? String(visible) : visible] as const),
    // `null` and an empty text are how tools say that there is no further page.
    ...(returns.cursor === undefined ? [] : kept(returns.cursor.at)).map(
      ([path, cursor]) => [path, cursor === null || cursor === "" ? cursor : seal(cursor)] as const,
    ),
  ];
  return entries.reduce<JsonObject>((built, [path, value]) => put(built, path.split("."), value), {})["result"] ?? null;
}

function put(root: JsonObject, [step = "", ...rest]: readonly string[], value: Json): JsonObject {
  if (rest.length === 0) return { ...root, [step]: value };
  const inner = Object.hasOwn(root, step) ? root[step] : undefined;
  // INVARIANT: `check` lets no path lie inside another, so what is there is an object made here.
  return { ...root, [step]: put(inner === undefined ? {} : (inner as JsonObject), rest, value) };
}
