import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What happens to a request that the proxy was told to watch for. */
export type Mishap =
  /** The server never gets it. */
  | "request lost"
  /** The server does it; the answer does not come back. */
  | "answer lost"
  /** The same, and from then on the server is out of reach, until `restore`. */
  | "answer lost for good"
  /** The line breaks at once; the request arrives when `deliverLate` is called. */
  | "request late";

/** A line to PostgreSQL that breaks where a test says. */
export interface CutLine {
  readonly url: string;
  /** The next request holding `text` meets this mishap. */
  next(text: string, mishap: Mishap): void;
  /** Sends what was held back; resolves with what the server answers. */
  deliverLate(): Promise<string>;
  restore(): void;
  close(): Promise<void>;
}

export async function cutLine(url: string): Promise<CutLine> {
  const folder = await mkdtemp(join(tmpdir(), "cut-"));
  const lines = new Set<Socket>();
  let watch: { readonly text: string; readonly mishap: Mishap } | undefined;
  let late: { readonly upstream: Socket; readonly held: Buffer } | undefined;
  let refusing = false;
  const cutAll = (): void => {
    refusing = true;
    for (const line of lines) line.destroy();
  };
  const server = createServer((agent) => {
    if (refusing) {
      agent.destroy();
      return;
    }
    const upstream = connectTo(url);
    for (const socket of [agent, upstream]) {
      lines.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => lines.delete(socket));
    }
    let deaf = false;
    agent.on("data", (chunk: Buffer) => {
      const mishap = watch !== undefined && chunk.includes(watch.text) ? watch.mishap : undefined;
      if (mishap === undefined) return upstream.write(chunk);
      watch = undefined;
      deaf = true;
      if (mishap === "request late") late = { upstream, held: chunk };
      if (mishap === "answer lost" || mishap === "answer lost for good") {
        upstream.once("data", mishap === "answer lost" ? () => agent.destroy() : cutAll);
        return upstream.write(chunk);
      }
      if (mishap === "request lost") upstream.destroy();
      agent.destroy();
      return false;
    });
    upstream.on("data", (chunk: Buffer) => (deaf ? undefined : agent.write(chunk)));
    upstream.once("close", () => agent.destroy());
    agent.once("close", () => (late?.upstream === upstream ? undefined : upstream.end()));
  });
  await new Promise<void>((settle) => server.listen(join(folder, ".s.PGSQL.5432"), settle));
  return {
    url: through(url, folder),
    next: (text, mishap) => (watch = { text, mishap }),
    deliverLate: () => deliver(late),
    restore: () => (refusing = false),
    close: async () => {
      for (const line of lines) line.destroy();
      await new Promise<void>((settle) => server.close(() => settle()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function deliver(late: { readonly upstream: Socket; readonly held: Buffer } | undefined): Promise<string> {
  if (late === undefined) throw new Error("nothing was held back");
  return new Promise((settle) => {
    late.upstream.once("data", (chunk: Buffer) => {
      settle(chunk.toString("latin1"));
      late.upstream.end();
    });
    late.upstream.write(late.held);
  });
}

export function connectTo(url: string): Socket {
  const parsed = new URL(url.replace("@/", "@local/"));
  const folder = parsed.searchParams.get("host");
  return folder === null ? connect(Number(parsed.port || "5432"), parsed.hostname) : connect(join(folder, ".s.PGSQL.5432"));
}

export function through(url: string, folder: string): string {
  const parsed = new URL(url.replace("@/", "@local/"));
  const query = new URLSearchParams({ host: folder, port: "5432" });
  return `postgresql://${parsed.username}:${parsed.password}@${parsed.pathname}?${query.toString()}`;
}
