import { randomBytes } from "node:crypto";
import { Fault } from "../../domain/fault.ts";
import type { Queryable } from "./queryable.ts";
import { z } from "zod";

const rowsSchema = z.array(z.object({ origin: z.string() }));
const ORIGIN = /^[a-z0-9][a-z0-9.:/_-]{0,199}$/;

/**
 * The name under which this deployment's logs are known to verifiers and witnesses; a log's own is this, a slash and the tenant. It is kept with
 * the first start: under another one no checkpoint would verify any more.
 * @throws Fault `store_unavailable` when another one is asked for than the logs have.
 */
export async function logOrigin(db: Queryable, wanted: string | undefined): Promise<string> {
  if (wanted !== undefined && !ORIGIN.test(wanted))
    throw new Fault(
      "store_unavailable",
      `\`${wanted}\` cannot name logs: write a host and a path in small letters, such as \`bailiwick.example/log\``,
    );
  const { rows } = await db.query({
    text: "select bailiwick.log_origin($1) as origin",
    values: [wanted ?? `bailiwick.local/${randomBytes(6).toString("hex")}`],
  });
  const kept = rowsSchema.parse(rows)[0]?.origin ?? "";
  if (wanted !== undefined && wanted !== kept)
    throw new Fault(
      "store_unavailable",
      `the logs of this database are known as \`${kept}\`, not as \`${wanted}\`; put that name into \`log.yaml\`, since verifiers and witnesses know them by it`,
    );
  return kept;
}
