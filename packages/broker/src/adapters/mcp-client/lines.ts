import { Buffer } from "node:buffer";

export interface LineSink {
  /** Bytes one line may have at this moment. */
  limit(): number;
  line(text: string): void;
  /** A line over the limit was dropped; only its edges are kept, to tell whose answer it was. */
  oversized(head: string, tail: string): void;
}

/** Cuts a byte stream at newlines. Linear in the input however it is chunked; holds at most one line up to the limit. */
export function createLineSplitter(sink: LineSink): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let held = 0;
  let dropping: { head: string; tail: Buffer } | undefined;

  function keep(part: Buffer): void {
    if (dropping !== undefined) {
      dropping.tail = Buffer.concat([dropping.tail, part]).subarray(-EDGE_BYTES);
      return;
    }
    parts.push(part);
    held += part.length;
    if (held <= sink.limit()) return;
    const all = Buffer.concat(parts);
    dropping = { head: all.toString("utf8", 0, EDGE_BYTES), tail: all.subarray(-EDGE_BYTES) };
    parts = [];
    held = 0;
  }

  function end(): void {
    if (dropping !== undefined) {
      const { head, tail } = dropping;
      dropping = undefined;
      return sink.oversized(head, tail.toString("utf8"));
    }
    const [first] = parts;
    const text = parts.length === 1 && first !== undefined ? first.toString("utf8") : Buffer.concat(parts).toString("utf8");
    parts = [];
    held = 0;
    if (text.trim() !== "") sink.line(text);
  }

  return (chunk) => {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE, from); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, at));
      end();
      from = at + 1;
    }
    if (from < chunk.length) keep(chunk.subarray(from));
  };
}

const NEWLINE = 0x0a;
/** Enough for the JSON-RPC members that stand before or after the result. */
const EDGE_BYTES = 256;
