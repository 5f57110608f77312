import type { Client } from "pg";
import { z } from "zod";
import { connectOnce } from "./connections.ts";

/** What other brokers tell: ids only. `missed` means that notices may have been lost: whoever caches must look again. */
export type Notice =
  /** The session `ids[0]` was revoked, and with it the others, which were delegated from it. */
  | { readonly kind: "session"; readonly tenant: string; readonly ids: readonly string[] }
  /** A stop was put or lifted. */
  | { readonly kind: "stop"; readonly tenant: string; readonly ids: readonly string[] }
  | { readonly kind: "approval"; readonly tenant: string; readonly ids: readonly string[] }
  /** The elevation `ids[0]` was asked for, answered or revoked. */
  | { readonly kind: "elevation"; readonly tenant: string; readonly ids: readonly string[] }
  | { readonly kind: "credential"; readonly tenant: string; readonly ids: readonly string[] }
  /** The person behind the pseudonym `ids[0]` was erased. */
  | { readonly kind: "subject"; readonly tenant: string; readonly ids: readonly string[] }
  | { readonly kind: "missed" };

export interface Listener {
  /** Whether a notice sent now would be heard. */
  fresh(): boolean;
  close(): Promise<void>;
}

/** How often the connection is proven alive; a dead one is noticed within this and the answer's time. */
const HEARTBEAT_MS = 500;
const HEARTBEAT_ANSWER_MS = 2_000;
/** Longer without a sign of life and the listener counts as stale: then every session is read from the database for every call. */
const FRESH_FOR_MS = 2_000;
const RECONNECT_MS = 250;

const noticeSchema = z.tuple([z.enum(["session", "stop", "approval", "elevation", "credential", "subject"]), z.string()]).rest(z.string());

interface State {
  client: Client | undefined;
  aliveAt: number;
  closed: boolean;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Listens on a connection of its own and makes a new one whenever it breaks, telling `missed` after each.
 * @throws whatever connecting throws the first time.
 */
export async function openListener(url: string, heard: (notice: Notice) => void): Promise<Listener> {
  const state: State = { client: undefined, aliveAt: 0, closed: false, timer: undefined };
  await listen(state, url, heard, "first");
  return {
    fresh: () => state.client !== undefined && performance.now() - state.aliveAt < FRESH_FOR_MS,
    close: async () => {
      state.closed = true;
      clearTimeout(state.timer);
      await state.client?.end().catch(() => undefined);
    },
  };
}

async function listen(state: State, url: string, heard: (notice: Notice) => void, time: "first" | "again"): Promise<void> {
  const client = await connectOnce(url, { application_name: "bailiwick listener", query_timeout: HEARTBEAT_ANSWER_MS });
  client.on("notification", ({ payload }) => {
    state.aliveAt = performance.now();
    heard(parse(payload));
  });
  await client.query("listen bailiwick");
  if (state.closed) return client.end();
  // Before the line counts as heard again: whoever caches forgets first.
  if (time === "again") heard({ kind: "missed" });
  state.client = client;
  state.aliveAt = performance.now();
  client.once("end", () => {
    if (state.client !== client) return;
    state.client = undefined;
    clearTimeout(state.timer);
    reconnectLater(state, url, heard);
  });
  beatLater(state, client);
}

function beatLater(state: State, client: Client): void {
  if (state.closed) return;
  state.timer = setTimeout(() => void beat(state, client), HEARTBEAT_MS).unref();
}

async function beat(state: State, client: Client): Promise<void> {
  try {
    await client.query("select 1");
    state.aliveAt = performance.now();
    beatLater(state, client);
  } catch {
    // Ends the connection, which starts the next one.
    await client.end().catch(() => undefined);
  }
}

function reconnectLater(state: State, url: string, heard: (notice: Notice) => void): void {
  if (state.closed) return;
  state.timer = setTimeout(() => {
    listen(state, url, heard, "again").catch(() => reconnectLater(state, url, heard));
  }, RECONNECT_MS).unref();
}

/** A notice that cannot be read counts as one that was missed. */
function parse(payload: string | undefined): Notice {
  try {
    const parsed = noticeSchema.safeParse(JSON.parse(payload ?? ""));
    if (!parsed.success) return { kind: "missed" };
    const [kind, tenant, ...ids] = parsed.data;
    return { kind, tenant, ids };
  } catch {
    return { kind: "missed" };
  }
}
