import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { refreshApprovals } from "./approvals.ts";
import { untilSamePerson } from "./person.ts";

/** `live`: the broker says when something happens. `polling`: it does not, so everything shown is asked for every few seconds. */
export type LiveState = "connecting" | "live" | "polling";

const POLL_MS = 10_000;
/** How long the stream is left alone after it broke for good; a stream that only paused comes back by itself. */
const RECONNECT_MS = 15_000;
/** The first happening after a quiet time is looked at at once; what follows within so long is one more look, however much it is. */
const GATHER_MS = 300;

/** Which answers a happening makes old: the first word of their query keys. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  approval: ["bounded-approvals", "overview", "habits", "notifications"],
  elevation: ["elevations", "overview", "agents", "notifications"],
  call: ["calls", "runs", "overview", "log"],
  stop: ["agents", "stops", "overview"],
  policy: ["policy", "matrix", "agents", "tools", "overview"],
  tools: ["tools", "overview"],
};

let state: LiveState = "connecting";
const listeners = new Set<() => void>();

/** Whether what is shown keeps itself up to date, and how. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/** Keeps shown answers up to date from `GET /api/v1/events`, one stream per page that is looked at. Returns the function that stops it. */
export function startLive(queries: QueryClient): () => void {
  let heardOf: Happening[] = [];
  let source: EventSource | undefined;
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let reconnecting: ReturnType<typeof setTimeout> | undefined;

  const look = (): void => {
    gathering = undefined;
    const happenings = heardOf;
    heardOf = [];
    void lookAgain(queries, happenings);
  };
  let heardAt = Number.NEGATIVE_INFINITY;
  const heard = (text: string): void => {
    const quiet = performance.now() - heardAt >= GATHER_MS;
    heardAt = performance.now();
    heardOf.push(happeningOf(text));
    if (gathering !== undefined) return;
    if (quiet) look();
    else gathering = setTimeout(look, GATHER_MS);
  };
  const open = (): void => {
    clearTimeout(reconnecting);
    if (document.hidden || (source !== undefined && source.readyState !== EventSource.CLOSED)) return;
    source = new EventSource("/api/v1/events");
    source.addEventListener("open", () => {
      become("live");
      // It begins with `missed`. A stream that ended may have ended with the sign-in.
      void untilSamePerson();
    });
    source.addEventListener("message", ({ data }) => {
      if (typeof data === "string") heard(data);
    });
    source.addEventListener("error", () => {
      become("polling");
      if (source?.readyState === EventSource.CLOSED) reconnecting = setTimeout(open, RECONNECT_MS);
    });
  };
  // A page that nobody looks at gives its connection back: browsers allow six to one broker.
  const turned = (): void => {
    if (document.hidden) source?.close();
    else open();
  };
  const poll = setInterval(() => {
    if (state !== "live" && !document.hidden) void queries.invalidateQueries();
  }, POLL_MS);
  document.addEventListener("visibilitychange", turned);
  open();
  return () => {
    document.removeEventListener("visibilitychange", turned);
    for (const timer of [gathering, reconnecting]) clearTimeout(timer);
    clearInterval(poll);
    source?.close();
  };
}

interface Happening {
  readonly kind: string;
  readonly id?: string | undefined;
}

async function lookAgain(queries: QueryClient, happenings: readonly Happening[]): Promise<void> {
  if (happenings.some(({ kind }) => !Object.hasOwn(KEYS, kind))) {
    await queries.invalidateQueries();
    return;
  }
  const keys = new Set(happenings.flatMap(({ kind }) => KEYS[kind] ?? []));
  const approvals = happenings.filter(({ kind }) => kind === "approval").map(({ id }) => id);
  await Promise.all([
    ...[...keys].map(async (key) => queries.invalidateQueries({ queryKey: [key] })),
    approvals.length === 0 ? undefined : refreshApprovals(queries, approvals),
  ]);
}

/** Whatever cannot be read may have been about anything. */
function happeningOf(text: string): Happening {
  try {
    const happening: unknown = JSON.parse(text);
    if (typeof happening !== "object" || happening === null || !("kind" in happening) || typeof happening.kind !== "string")
      return { kind: "missed" };
    return { kind: happening.kind, ...("id" in happening && typeof happening.id === "string" ? { id: happening.id } : {}) };
  } catch {
    return { kind: "missed" };
  }
}

function become(now: LiveState): void {
  if (state === now) return;
  state = now;
  for (const listener of listeners) listener();
}
