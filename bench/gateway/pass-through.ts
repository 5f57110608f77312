import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { Pool } from "undici";

/**
 * The floor: the least a proxy can do on Node. Reads the body, sends the same bytes on over a kept-alive pool, returns the answer's.
 * It neither parses nor decides nor records.
 */
const upstream = new URL(process.argv[2] ?? "");
const pool = new Pool(upstream.origin, { connections: 64 });

const server = createServer((request, response) => void relay(request, response));

async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await pool.request({
    path: upstream.pathname,
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: await buffer(request),
  });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  response.writeHead(answer.statusCode, { "content-type": "application/json", "content-length": bytes.length }).end(bytes);
}

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null) process.stdout.write(`http://127.0.0.1:${address.port}/mcp\n`);
});
process.once("SIGTERM", () => process.exit(0));
