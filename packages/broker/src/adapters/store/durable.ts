import { Fault } from "../../domain/fault.ts";
import type { Queryable } from "./queryable.ts";

const NAMES = ["fsync", "full_page_writes", "synchronous_commit"];

/** @throws Fault `store_unavailable` when the server may lose what it has confirmed. */
export async function assertDurable(db: Queryable): Promise<void> {
  const { rows } = await db.query({
    text: "select name from pg_settings where name = any($1) and setting = 'off' order by name",
    values: [NAMES],
  });
  const off = rows.flatMap((row) => (typeof row === "object" && row !== null && "name" in row ? [`\`${String(row.name)}\``] : []));
  if (off.length > 0) {
    throw new Fault(
      "store_unavailable",
      `PostgreSQL runs with ${off.join(", ")} off, so confirmed records could be lost; turn it on and start again`,
    );
  }
}
