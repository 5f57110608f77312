import type { Dispatcher } from "undici";
import { Fault } from "../../domain/fault.ts";

export type HttpResponse = Dispatcher.ResponseData;

/** A whole body as text. @throws Fault `result_too_large`; other errors are those of the socket. */
export async function readText(response: HttpResponse, maxBytes: number, tool: string): Promise<string> {
  const declared = Number(response.headers["content-length"]);
  if (declared <= maxBytes) return response.body.text();
  const chunks: Buffer[] = [];
  let bytes = 0;
  if (!(declared > maxBytes)) {
    for await (const chunk of response.body) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.length;
      if (bytes > maxBytes) break;
      chunks.push(chunk);
    }
  }
  if (declared > maxBytes || bytes > maxBytes) {
    discard(response);
    throw tooLarge(tool, maxBytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Gives the socket back when the rest is short, closes it otherwise. */
export function discard(response: HttpResponse): void {
  response.body.on("error", () => undefined);
  response.body.dump({ limit: DUMP_BYTES }).catch(() => undefined);
}

export function tooLarge(tool: string, maxBytes: number): Fault {
  return new Fault(
    "result_too_large",
    `the tool \`${tool}\` answered with more than ${maxBytes} bytes; ask for less, for instance by a filter or a page`,
  );
}

/** Reading this much costs less than a new connection. */
const DUMP_BYTES = 16 * 1024;
