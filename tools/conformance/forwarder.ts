import { createServer, request as forward } from "node:http";

/** A local door in front of a broker that lets clients without a token in. */
export interface Forwarder {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Adds `Authorization` to every request and changes nothing else: `Host`, `Origin`, bodies and streams pass as they are.
 * For test programs only, which have no way to be given a token. It listens on this machine alone.
 */
export async function startForwarder(target: URL, authorization: () => Promise<string>): Promise<Forwarder> {
  const server = createServer((incoming, outgoing) => {
    const send = async (): Promise<void> => {
      const headers = { ...incoming.headers, authorization: await authorization() };
      const onward = forward(
        { host: target.hostname, port: target.port, method: incoming.method, path: incoming.url, headers, setHost: false },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          outgoing.flushHeaders();
          answer.pipe(outgoing);
        },
      );
      onward.on("error", () => outgoing.destroy());
      outgoing.on("close", () => onward.destroy());
      incoming.pipe(onward);
    };
    send().catch((error: unknown) => outgoing.writeHead(502).end(String(error)));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the forwarder has no port");
  return {
    url: `http://localhost:${address.port}/mcp`,
    async close() {
      const { promise: closed, resolve: done } = Promise.withResolvers<void>();
      server.close(() => done());
      server.closeAllConnections();
      await closed;
    },
  };
}
