import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import type { JsonObject } from "@bailiwick/policy";
import { type Era, objectAt, parseJson, stringAt } from "../../../src/adapters/mcp-protocol/index.ts";
import { answer } from "./reporting-tool.ts";

/** The reporting tool behind Streamable HTTP on a free port; closed with the test. */
export async function serveReport(era: Era): Promise<URL> {
  const server = createServer((request, response) => {
    if (request.method !== "POST") return response.writeHead(405).end();
    void text(request).then((body) => {
      const reply = answer(era, parseJson(body), request.headers);
      if (reply === undefined) return response.writeHead(202).end();
      return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reply));
    });
    return undefined;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
}

export interface Report {
  readonly headers: JsonObject;
  readonly meta: JsonObject;
}

/** What the tool said that it got. */
export function reportIn(result: JsonObject): Report {
  const got = objectAt(result, "structuredContent");
  const headers = parseJson(stringAt(got, "headers") ?? "null");
  return {
    headers: typeof headers === "object" && headers !== null && !Array.isArray(headers) ? (headers as JsonObject) : {},
    meta: objectAt(got, "meta"),
  };
}
