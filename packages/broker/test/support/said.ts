import type { JsonObject } from "@bailiwick/policy";
import { z } from "zod";
import type { StoredRecord } from "../../src/domain/audit.ts";

const object = z.record(z.string(), z.json());

/** What a record says, with names in the place of pseudonyms, as far as the reader was given them; nothing when there is no record. */
export function saidBy(record: Pick<StoredRecord, "text" | "people"> | undefined): JsonObject {
  if (record === undefined) return {};
  const named = Object.entries(record.people).reduce(
    (said, [pseudonym, name]) => said.replaceAll(JSON.stringify(pseudonym), JSON.stringify(name)),
    record.text,
  );
  return object.parse(JSON.parse(named));
}
