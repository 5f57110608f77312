import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectTo, through } from "../store/cut-line.ts";

export type Direction = "to the server" | "to the broker";
/** The server never gets the request; does it, and the answer is lost; or gets it when the broker has long given it up. */
export type Mishap = "request lost" | "answer lost" | "request late";

/** A line to PostgreSQL that breaks where a test says. Each promise resolves when the break has happened. */
export interface FaultyLine {
  readonly url: string;
  /** After so many more bytes in this direction, over all connections, every connection dies; the next `refuse` attempts to connect fail too. */
  cutAfter(bytes: number, direction: Direction, refuse: number): Promise<void>;
  /** The next request that holds `text` meets this mishap. */
  spoilNext(text: string, mishap: Mishap): Promise<void>;
  /** Sends what came late. */
  deliverLate(): void;
  /** Cuts every connection and refuses new ones, until `restore`. */
  takeDown(): void;
  restore(): void;
  close(): Promise<void>;
}

interface State {
  readonly lines: Set<Socket>;
  cut: { left: number; readonly direction: Direction; readonly refuse: number; readonly done: () => void } | undefined;
  spoil: { readonly text: string; readonly mishap: Mishap; readonly done: () => void } | undefined;
  late: { readonly upstream: Socket; readonly held: Buffer } | undefined;
  refusals: number;
}

export async function faultyLine(databaseUrl: string): Promise<FaultyLine> {
  const folder = await mkdtemp(join(tmpdir(), "line-"));
  const state: State = { lines: new Set(), cut: undefined, spoil: undefined, late: undefined, refusals: 0 };
  const server = createServer((broker) => {
    if (state.refusals > 0) {
      state.refusals -= 1;
      broker.destroy();
      return;
    }
    carry(state, broker, connectTo(databaseUrl));
  });
  await new Promise<void>((settle) => server.listen(join(folder, ".s.PGSQL.5432"), settle));
  return {
    url: through(databaseUrl, folder),
    cutAfter: (left, direction, refuse) => new Promise((done) => (state.cut = { left, direction, refuse, done })),
    spoilNext: (text, mishap) => new Promise((done) => (state.spoil = { text, mishap, done })),
    deliverLate: () => state.late?.upstream.end(state.late.held),
    takeDown: () => {
      state.refusals = Number.POSITIVE_INFINITY;
      cutAll(state);
    },
    restore: () => (state.refusals = 0),
    close: async () => {
      cutAll(state);
      await new Promise<void>((settle) => server.close(() => settle()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function carry(state: State, broker: Socket, upstream: Socket): void {
  for (const socket of [broker, upstream]) {
    state.lines.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => state.lines.delete(socket));
  }
  const muted = { answers: false };
  broker.on("data", (chunk: Buffer) => {
    if (state.spoil !== undefined && chunk.includes(state.spoil.text)) spoil(state, { broker, upstream, muted }, chunk);
    else forward(state, upstream, "to the server", chunk);
  });
  upstream.on("data", (chunk: Buffer) => {
    if (muted.answers) broker.destroy();
    else forward(state, broker, "to the broker", chunk);
  });
  broker.once("close", () => (state.late?.upstream === upstream ? undefined : upstream.destroy()));
  upstream.once("close", () => broker.destroy());
}

function spoil(
  state: State,
  line: { readonly broker: Socket; readonly upstream: Socket; readonly muted: { answers: boolean } },
  chunk: Buffer,
): void {
  const { spoil: how } = state;
  if (how === undefined) return;
  state.spoil = undefined;
  switch (how.mishap) {
    case "request lost":
      line.broker.destroy();
      break;
    case "answer lost":
      line.muted.answers = true;
      line.upstream.write(chunk);
      break;
    case "request late":
      state.late = { upstream: line.upstream, held: chunk };
      line.broker.destroy();
      break;
  }
  how.done();
}

function forward(state: State, to: Socket, direction: Direction, chunk: Buffer): void {
  const { cut } = state;
  if (cut?.direction !== direction) {
    to.write(chunk);
    return;
  }
  if (chunk.length < cut.left) {
    cut.left -= chunk.length;
    to.write(chunk);
    return;
  }
  state.cut = undefined;
  state.refusals = cut.refuse;
  // The first bytes of the message still arrive; then both ends see their line close.
  to.write(chunk.subarray(0, cut.left), () => {
    cutAll(state);
    cut.done();
  });
}

function cutAll(state: State): void {
  for (const line of state.lines) line.destroy();
}
