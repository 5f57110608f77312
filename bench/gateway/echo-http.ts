import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { asMessage, echoAnswer } from "./echo.ts";

/** The echo server over Streamable HTTP, stateless, one JSON answer a request. Prints its address when it listens. */
const server = createServer((request, response) => {
  void text(request).then((body) => {
    if (request.method !== "POST") return response.writeHead(405).end();
    const parsed: unknown = JSON.parse(body);
    const answer = echoAnswer(asMessage(parsed));
    if (answer === undefined) return response.writeHead(202).end();
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null) process.stdout.write(`http://127.0.0.1:${address.port}/mcp\n`);
});
process.once("SIGTERM", () => process.exit(0));
