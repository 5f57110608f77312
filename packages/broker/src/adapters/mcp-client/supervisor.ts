import { Fault } from "../../domain/fault.ts";
import type { Equipment } from "../../domain/tool.ts";
import type { Era } from "../mcp-protocol/index.ts";
import { createBackoff } from "./backoff.ts";
import type { ServerEvents } from "./exchanges.ts";
import { BACKOFF_WAIT_MAX_MS } from "./limits.ts";
import { type Live, type McpTarget, openLive } from "./live.ts";
import { pause } from "./pause.ts";

export interface SupervisorOptions {
  readonly tool: string;
  readonly target: McpTarget;
  equipment(): Equipment;
  readonly events: ServerEvents;
  readonly log: (event: string, text: string) => void;
  onLost(): void;
  /** `again` when there was a connection before: what the server offers may have changed. */
  onLive(live: Live, again: boolean): void;
}

/** Keeps one server reachable: opens on first use, opens again after a loss with growing waits. */
export interface Supervisor {
  /** @throws Fault `tool_unavailable`. */
  ready(): Promise<Live>;
  close(): Promise<void>;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const backoff = createBackoff();
  const stop = new AbortController();
  let current: Live | undefined;
  let opening: Promise<Live> | undefined;
  let verdict: Era | undefined;
  let lives = 0;

  async function open(waitMs: number): Promise<Live> {
    try {
      if (waitMs > 0) await pause(waitMs, stop.signal);
      const mine: { live?: Live } = {};
      const live = await openLive({
        tool: options.tool,
        target: options.target,
        equipment: options.equipment(),
        verdict,
        events: { ...options.events, lost: (reason) => lost(mine.live, reason) },
        onLastWords: (stderr) => options.log("tool server wrote before it ended", stderr),
      });
      mine.live = live;
      if (stop.signal.aborted) {
        await live.wire.close();
        throw stop.signal.reason;
      }
      backoff.alive(performance.now());
      verdict = live.agreement.era;
      current = live;
      lives += 1;
      options.onLive(live, lives > 1);
      return live;
    } catch (error) {
      // The server may have been replaced by one of the other era.
      verdict = undefined;
      backoff.failed(performance.now());
      throw error;
    } finally {
      opening = undefined;
    }
  }

  function lost(live: Live | undefined, reason: Fault): void {
    if (live === undefined || live !== current) return;
    current = undefined;
    options.log("tool server lost", reason.message);
    backoff.failed(performance.now());
    options.onLost();
    live.wire.close().catch(() => undefined);
    // At once and not at the next call, so that a changed list is seen before anyone calls.
    if (!stop.signal.aborted) start().catch((error: unknown) => options.log("tool server did not come back", String(error)));
  }

  function start(): Promise<Live> {
    opening ??= open(backoff.waitMs(performance.now()));
    return opening;
  }

  return {
    async ready() {
      if (stop.signal.aborted) throw stop.signal.reason;
      if (current !== undefined) return current;
      const waitMs = backoff.waitMs(performance.now());
      if (opening === undefined && waitMs > BACKOFF_WAIT_MAX_MS) {
        throw new Fault(
          "tool_unavailable",
          `the server of the tool \`${options.tool}\` keeps failing; it is tried again in ${Math.ceil(waitMs / 1000)} s`,
        );
      }
      return start();
    },
    async close() {
      stop.abort(new Fault("tool_unavailable", `the connection to the tool \`${options.tool}\` is closed`));
      await opening?.catch(() => undefined);
      const live = current;
      current = undefined;
      await live?.wire.close();
    },
  };
}
