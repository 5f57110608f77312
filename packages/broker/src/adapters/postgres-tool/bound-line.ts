import type { Connection, PoolClient } from "pg";

/** JSON in a column may be spaced, and bytes are sent in hexadecimal: what is sent is at most about twice what is answered. */
const WIRE_FACTOR = 2;

/** For what stands around the rows. */
const WIRE_EXTRA_BYTES = 64 * 1024;

/**
 * Cuts the line when the server sends more than an answer of `maxBytes` can be: the driver holds each row whole before anybody sees it, and
 * one value may have a gigabyte. Answers what ends the watch.
 */
export function boundLine(client: PoolClient, maxBytes: number, onCut: () => void): () => void {
  // unsafe: the driver's client has its connection, which its types leave out.
  const { stream } = (client as PoolClient & { readonly connection: Connection }).connection;
  let left = maxBytes * WIRE_FACTOR + WIRE_EXTRA_BYTES;
  const count = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left >= 0) return;
    stream.off("data", count);
    onCut();
    stream.destroy();
  };
  stream.on("data", count);
  return () => stream.off("data", count);
}
