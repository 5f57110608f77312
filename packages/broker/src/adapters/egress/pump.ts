import type { Duplex } from "node:stream";
import type { LineUsage } from "../../domain/tool.ts";
import type { DialedLine } from "./dialed-line.ts";

export interface LineBounds {
  readonly idleMs: number;
  readonly maxBytes: number;
}

/** Watches a line: how much went over it, and when it has to end. */
export interface LineWatch {
  up(bytes: number): void;
  down(bytes: number): void;
  /** Ends the line for this reason; the first one counts. */
  end(why: LineUsage["ended"]): void;
  readonly ended: Promise<LineUsage>;
}

/** A longer timer would go off at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** `stop` is called once, when the line has ended. */
export function watchLine({ signal, maxMs }: DialedLine, { idleMs, maxBytes }: LineBounds, stop: () => void): LineWatch {
  const { promise, resolve } = Promise.withResolvers<LineUsage>();
  let up = 0;
  let down = 0;
  let over = false;
  const end = (ended: LineUsage["ended"]): void => {
    if (over) return;
    over = true;
    clearTimeout(idle);
    clearTimeout(longest);
    signal.removeEventListener("abort", cut);
    stop();
    resolve({ up, down, ended });
  };
  const cut = (): void => end("cut");
  const idle = setTimeout(() => end("idle"), idleMs);
  const longest = setTimeout(() => end("time"), Math.min(maxMs, MAX_TIMER_MS));
  const moved = (): void => {
    if (over) return;
    idle.refresh();
    if (up + down > maxBytes) end("bytes");
  };
  signal.addEventListener("abort", cut, { once: true });
  if (signal.aborted) cut();
  return {
    up: (bytes) => {
      up += bytes;
      moved();
    },
    down: (bytes) => {
      down += bytes;
      moved();
    },
    end,
    ended: promise,
  };
}

/** Carries bytes both ways until both sides have ended, one breaks, or a bound is reached. `head` is what the client has sent already. */
export function pump(client: Duplex, head: Buffer, line: DialedLine, bounds: LineBounds): Promise<LineUsage> {
  const { socket } = line;
  const watch = watchLine(line, bounds, () => {
    client.destroy();
    socket.destroy();
  });
  if (head.length > 0) {
    watch.up(head.length);
    socket.write(head);
  }
  const closed = both(() => watch.end("closed"));
  carry(client, socket, watch.up, closed);
  carry(socket, client, watch.down, closed);
  for (const side of [client, socket]) {
    side.once("error", () => watch.end("broken"));
    side.once("close", () => watch.end(side.readableEnded ? "closed" : "broken"));
  }
  return watch.ended;
}

function carry(from: Duplex, to: Duplex, count: (bytes: number) => void, done: () => void): void {
  from.on("data", (chunk: Buffer) => {
    count(chunk.length);
    if (!to.destroyed && !to.write(chunk)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.once("end", () => {
    if (to.destroyed) return done();
    to.end(done);
  });
}

function both(then: () => void): () => void {
  let left = 2;
  return () => {
    left -= 1;
    if (left === 0) then();
  };
}
