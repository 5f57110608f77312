import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import { type callSchema, endedCallsSchema } from "../rest-contract/schemas.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "./audit-filters.ts";
import type { BrokerClient } from "./broker-client.ts";
import type { Cli } from "./cli.ts";
import { stopSignal } from "./stop-signal.ts";
import { tenantsToAsk } from "./tenants-to-ask.ts";
import { printable } from "./text.ts";

type Call = z.output<typeof callSchema>;

/** How often each log is asked for what is new. */
const POLL_MS = 1_000;

/** `bailiwick audit tail`. */
export function addAuditTail(audit: Command, cli: Cli): void {
  const tail = audit
    .command("tail")
    .description("calls as they end, are held or refused, until Ctrl-C")
    .option("--tenant <tenant>", "only this tenant");
  addFilterOptions(tail).action(async ({ tenant, ...options }: FilterOptions & { readonly tenant?: string }) => {
    const broker = await cli.broker();
    const tenants = await tenantsToAsk(broker, tenant);
    const stop = stopSignal();
    const stopped = new AbortController();
    void stop.asked.then(() => stopped.abort());
    cli.talk("following the log; stop with Ctrl-C");
    try {
      await followCalls(broker, { tenants, filter: filterOf(options), pollMs: POLL_MS, signal: stopped.signal }, (call) =>
        cli.io.stdout.write(cli.json() ? `${JSON.stringify(call)}\n` : lineOf(call)),
      );
    } finally {
      stop.forget();
    }
  });
}

/** Tells of each call once when it ends, and when it is held or refused, from now on until `signal`. */
export async function followCalls(
  broker: Pick<BrokerClient, "get">,
  options: {
    readonly tenants: readonly string[];
    readonly filter: Readonly<Record<string, string>>;
    readonly pollMs: number;
    readonly signal: AbortSignal;
    /** Told when the place to begin at is known. */
    readonly began?: () => void;
  },
  tell: (call: Call) => void,
): Promise<void> {
  const { filter, signal } = options;
  const look = (tenant: string, from: number | undefined): Promise<z.output<typeof endedCallsSchema>> =>
    broker.get("/audit/ended", endedCallsSchema, { tenant, ...filter, from: from?.toString() });
  const places = new Map<string, number>();
  for (const tenant of options.tenants) places.set(tenant, (await look(tenant, undefined)).next);
  options.began?.();
  while (!signal.aborted) {
    let full = false;
    for (const [tenant, from] of places) {
      const { calls, next } = await look(tenant, from);
      for (const call of calls) tell(call);
      places.set(tenant, next);
      full ||= calls.length > 0;
    }
    // Ended early by the signal to stop, which is no failure. What came in a burst is read without waiting.
    if (!full) await sleep(options.pollMs, undefined, { signal }).catch(() => undefined);
  }
}

function lineOf(call: Call): string {
  const took = call.durationMs === undefined ? "" : ` ${call.durationMs} ms`;
  const parts = [
    call.at.slice(11, 19),
    call.tenant,
    call.agent?.split("/").at(-1) ?? "-",
    call.action ?? call.tool ?? "-",
    call.verdict ?? "-",
    `${call.code ?? call.status}${took}`,
    call.callId,
  ];
  return `${parts.map(printable).join("  ")}\n`;
}
