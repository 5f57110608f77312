import { chainVerifier } from "@bailiwick/ledger";
import type { AuditLog } from "../domain/audit.ts";

/** Records read at a time, so that a long log is checked in constant memory. */
const PAGE = 1_000;

/** Outcome of checking one tenant's log. */
export interface LogVerification {
  readonly ok: boolean;
  readonly records: number;
  /** Hash of the newest record; empty for an empty or broken log. */
  readonly head: string;
  /** The first bad record and what is wrong with it. */
  readonly fault?: { readonly seq: number; readonly what: string } | undefined;
}

/** Recomputes every hash of a tenant's log from its first record. A tail cut off by somebody with the database shows only against a head kept elsewhere. */
export async function verifyLog(log: Pick<AuditLog, "read">, tenant: string): Promise<LogVerification> {
  const verifier = chainVerifier();
  let records = 0;
  for (let after = 0; ;) {
    const page = await log.read(tenant, after, PAGE);
    const last = page.at(-1);
    if (last === undefined) break;
    records += page.length;
    after = last.seq;
    if (!page.every((record) => verifier.push(record))) break;
  }
  const verdict = verifier.verdict();
  if (verdict.ok) return { ok: true, records: verdict.count, head: verdict.head?.hash ?? "" };
  return { ok: false, records, head: "", fault: { seq: verdict.at, what: verdict.why } };
}
