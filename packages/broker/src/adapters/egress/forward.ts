import { type IncomingMessage, request, type ServerResponse } from "node:http";
import type { LineUsage } from "../../domain/tool.ts";
import type { AbsoluteTarget } from "./destination.ts";
import type { DialedLine } from "./dialed-line.ts";
import { type LineBounds, watchLine } from "./pump.ts";

/** Of one hop only (RFC 9110 section 7.6.1), or meant for this proxy. `host` is made anew from the target (RFC 9112 section 3.2.2). */
const NOT_PASSED_ON = new Set(["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "expect"]);

/**
 * Why a request cannot be passed on without doubt about where it ends; undefined when it can. Node's strict parser has refused two lengths, a
 * length beside chunks, two hosts and folded headers before this is asked.
 */
export function unclear({ headers, httpVersion }: IncomingMessage): string | undefined {
  const coding = headers["transfer-encoding"];
  return coding !== undefined && (coding.toLowerCase() !== "chunked" || httpVersion !== "1.1")
    ? "its transfer coding is not `chunked`"
    : undefined;
}

/** Passes one request on over a line, and its answer back; then the line is over. */
export function forward(
  req: IncomingMessage,
  res: ServerResponse,
  to: AbsoluteTarget,
  line: DialedLine,
  bounds: LineBounds,
): Promise<LineUsage> {
  const { socket } = line;
  const onward = request({
    createConnection: () => socket,
    method: req.method,
    path: to.target,
    setHost: false,
    headers: { ...passedOn(req.rawHeaders), host: to.authority, ...framing(req) },
  });
  const watch = watchLine(line, bounds, () => {
    onward.destroy();
    socket.destroy();
    if (!res.writableEnded) res.destroy();
  });
  // An error with nobody to hear it would end the broker, and a server decides how many there are.
  for (const side of [onward, req, res]) side.on("error", () => watch.end("broken"));
  onward.on("response", (answer) => {
    answer.on("error", () => watch.end("broken"));
    const { statusCode = 0 } = answer;
    // Node's parser lets a status below 100 through, which Node's answer then refuses by throwing.
    if (statusCode < 200) return watch.end("broken");
    res.writeHead(statusCode, passedOn(answer.rawHeaders));
    answer.on("data", (chunk: Buffer) => watch.down(chunk.length));
    answer.pipe(res);
  });
  // A server that answers 101 although nobody asked speaks something else from here on.
  onward.once("upgrade", () => watch.end("broken"));
  res.once("finish", () => watch.end("closed"));
  res.once("close", () => watch.end("broken"));
  if (hasBody(req)) {
    req.on("data", (chunk: Buffer) => watch.up(chunk.length));
    req.pipe(onward);
  } else onward.end();
  return watch.ended;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || headers["content-length"] !== undefined;
}

/** Said anew, so that what we send ends where what we received ended. */
function framing({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  return headers["transfer-encoding"] === undefined ? {} : { "transfer-encoding": "chunked" };
}

/** Headers by name, all values of each; without those of one hop, those that `connection` names, and the proxy's own. */
function passedOn(raw: readonly string[]): Record<string, string[]> {
  const pairs = raw.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? ""]] : []));
  const named = new Set(
    pairs
      .filter(([name]) => name === "connection")
      .flatMap(([, value]) =>
        value
          .toLowerCase()
          .split(",")
          .map((each) => each.trim()),
      ),
  );
  // A map: `constructor` is a header name like any other.
  const kept = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    // A length that somebody lists as of one hop still says where the body ends.
    const dropped = NOT_PASSED_ON.has(name) || name.startsWith("proxy-") || (named.has(name) && name !== "content-length");
    if (!dropped) kept.set(name, [...(kept.get(name) ?? []), value]);
  }
  return Object.fromEntries(kept);
}
