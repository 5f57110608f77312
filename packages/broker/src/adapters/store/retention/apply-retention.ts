import type { Retention } from "../../../domain/erasure.ts";

export interface ApplyRetentionDeps {
  readonly retention: Retention;
  readonly now: () => Date;
  /** Told what was retired, and what could not be. */
  readonly tell: (tenant: string, what: { readonly level: "info" | "error"; readonly sentence: string; readonly error?: unknown }) => void;
}

/** Retires what is older than a tenant keeps its records, in milliseconds by tenant. To be called daily; never throws. */
export async function applyRetention({ retention, now, tell }: ApplyRetentionDeps, keepMs: ReadonlyMap<string, number>): Promise<void> {
  for (const [tenant, ms] of keepMs) {
    try {
      const done = await retention.retire(tenant, new Date(now().getTime() - ms), {
        by: { named: "broker" },
        reason: "older than the tenant's retention",
      });
      if (done === undefined) continue;
      if (done.ok) tell(tenant, { level: "info", sentence: `records before ${done.to} were retired, as log.yaml says` });
      else tell(tenant, { level: "error", sentence: sentenceOf(done) });
    } catch (error) {
      tell(tenant, { level: "error", sentence: "old records could not be retired; it is tried again tomorrow", error });
    }
  }
}

function sentenceOf(stopped: Extract<Awaited<ReturnType<Retention["retire"]>>, { ok: false }>): string {
  switch (stopped.why) {
    case "held":
      return `old records are not retired: the legal hold \`${stopped.hold.id}\` of \`${stopped.hold.by}\` covers them`;
    case "broken":
      return `old records are not retired: they are not those that were signed (${stopped.what}); run \`bailiwick audit verify\``;
    case "calls_under_way":
      return "old records are not retired: a call among them has no end yet; it is tried again tomorrow";
  }
}
