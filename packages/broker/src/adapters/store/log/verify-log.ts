import { chainVerifier, type ChainHead, type Verdict } from "@bailiwick/ledger";
import type { AuditLog } from "../../../domain/audit.ts";

/** Records read at once: a few megabytes at most. */
const PAGE = 1_000;

/** Verifies a whole log without holding it in memory. `head`, kept in a second place, also finds a cut tail. */
export async function verifyLog(log: Pick<AuditLog, "read">, tenant: string, head?: ChainHead): Promise<Verdict> {
  const verifier = chainVerifier({ head });
  let after = 0;
  for (;;) {
    const page = await log.read(tenant, after, PAGE);
    for (const record of page) {
      if (!verifier.push(record)) return verifier.verdict();
    }
    const last = page.at(-1);
    if (last === undefined) return verifier.verdict();
    after = last.seq;
  }
}
