import type { OpenAPIHono } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import type { Happening } from "../../domain/happening.ts";
import { happeningSchema } from "../../rest-contract/happening.ts";
import { nothing, parsePart } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { authorize, type Principal } from "./principal.ts";
import { Problem } from "./problem.ts";

/** A line that says nothing, so that proxies keep the connection, and a check that the person may still listen. */
const KEEP_ALIVE_MS = 15_000;
/** Pages one person has open at a time. */
const MAX_STREAMS = 20;
/** Happenings kept for a reader that is slow; beyond that it is told to look at everything again. */
const MAX_WAITING = 200;

/** `GET /events`: hints at what to look for again (Server-Sent Events, HTML Living Standard section 9.2). Holds no value of any call. */
export function addEvents(app: OpenAPIHono, ports: RestPorts): void {
  const open = new Map<string, number>();
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/api/v1/events",
    tags: ["status"],
    summary: "what happens, as it happens: hints at what to look for again",
    security: [{ personCookie: [] }, { personToken: [] }, { operatorKey: [] }],
    responses: { 200: { description: "an event stream", content: { "text/event-stream": { schema: happeningSchema } } } },
  });
  app.get("/events", async (c) => {
    const principal = await authorize(ports, c, "view");
    parsePart(nothing, c.req.query(), "query");
    // Nobody reads what is said to a HEAD, and nobody hangs up on it: a stream begun for it would never end.
    if (c.req.method === "HEAD") return c.body(null, 200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    const who = principal.kind === "person" ? principal.person.id : "operator";
    const streams = open.get(who) ?? 0;
    if (streams >= MAX_STREAMS) throw new Problem("too_many_attempts", `you have ${MAX_STREAMS} pages open already`, ["close one of them"]);
    open.set(who, streams + 1);
    c.header("x-accel-buffering", "no");
    return streamSSE(c, async (stream) => {
      let listener = principal;
      let checkedAt = ports.now().getTime();
      const queue = waitingHappenings(ports, () => listener);
      stream.onAbort(() => queue.close());
      try {
        await stream.writeSSE({ data: JSON.stringify({ kind: "missed" }) });
        while (!stream.aborted) {
          const next = await queue.next(KEEP_ALIVE_MS);
          if (next === "closed") break;
          // Whoever was signed out, or left the policy, hears nothing more: also where so much happens that the line is never idle.
          if (next === undefined || ports.now().getTime() - checkedAt >= KEEP_ALIVE_MS) {
            listener = await authorize(ports, c, "view");
            checkedAt = ports.now().getTime();
          }
          if (next === undefined) await stream.write(": still here\n\n");
          else if (isFor(next, listener)) await stream.writeSSE({ data: JSON.stringify(next) });
        }
      } catch {
        // The reader comes back and is told why then.
      } finally {
        queue.close();
        const left = (open.get(who) ?? 1) - 1;
        if (left <= 0) open.delete(who);
        else open.set(who, left);
      }
    });
  });
}

type Told = Happening | { readonly kind: "missed" };

interface Waiting {
  /** The next happening, undefined after that time, `closed` at the end. */
  next(timeoutMs: number): Promise<Told | "closed" | undefined>;
  close(): void;
}

function isFor(told: Told, { tenants }: Principal): boolean {
  return !("tenant" in told) || tenants.includes(told.tenant);
}

function waitingHappenings(ports: Pick<RestPorts, "happenings">, listener: () => Principal): Waiting {
  let waiting: Told[] = [];
  let closed = false;
  let wake: () => void = () => undefined;
  const off = ports.happenings.subscribe((happening) => {
    const told = happening ?? ({ kind: "missed" } as const);
    if (!isFor(told, listener())) return;
    if (waiting.length >= MAX_WAITING) waiting = [{ kind: "missed" }];
    else waiting.push(told);
    wake();
  });
  return {
    next: async (timeoutMs) => {
      if (waiting.length === 0 && !closed) {
        await new Promise<void>((settle) => {
          const timer = setTimeout(settle, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            settle();
          };
        });
      }
      return closed ? "closed" : waiting.shift();
    },
    close: () => {
      closed = true;
      off();
      wake();
    },
  };
}
