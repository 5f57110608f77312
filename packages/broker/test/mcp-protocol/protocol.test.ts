import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createSseDecoder,
  decodeHeaderValue,
  encodeHeaderValue,
  encodeSse,
  parseMessage,
  routedName,
  type SseEvent,
} from "../../src/adapters/mcp-protocol/index.ts";
import { createLineSplitter } from "../../src/adapters/mcp-client/lines.ts";

describe("a stream of events", () => {
  const decode = (chunks: readonly string[], maxChars = 10_000): readonly SseEvent[] => {
    const events: SseEvent[] = [];
    const decoder = createSseDecoder(maxChars, (event) => events.push(event));
    for (const chunk of chunks) decoder.push(chunk);
    return events;
  };

  test("gives back every JSON text however it is cut into chunks", () => {
    fc.assert(
      fc.property(fc.array(fc.json()), fc.array(fc.nat(30)), (texts, cuts) => {
        const stream = texts.map((text) => encodeSse(text)).join("");
        expect(decode(sliced(stream, cuts)).map((event) => event.data)).toEqual(texts);
      }),
    );
  });

  test.each(["\n", "\r\n", "\r"])("may end its lines with %j, also cut between the two characters", (end) => {
    const stream = ["id: 7", "retry: 250", "event: message", "data: one", "data:two", ": comment", "", "data: three", "", ""].join(end);
    for (let cut = 0; cut < stream.length; cut += 1) {
      expect(decode([stream.slice(0, cut), stream.slice(cut), "data: x"])).toMatchObject([
        { data: "one\ntwo", id: "7", retryMs: 250, event: "message" },
        { data: "three", id: undefined },
      ]);
    }
  });

  test("may carry an id without data, for resuming", () => {
    expect(decode(["id: e-1\ndata: \n\n"])).toMatchObject([{ data: "", id: "e-1" }]);
  });

  test("is refused when one event exceeds the limit, before its end has come", () => {
    expect(() => decode([`data: ${"x".repeat(500)}`], 100)).toThrow(RangeError);
    expect(() => decode(["data: x\n".repeat(200)], 100)).toThrow(RangeError);
  });
});

describe("a header value", () => {
  test("carries any text, and only visible ASCII travels unwrapped", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const value = encodeHeaderValue(text);
        expect(value).toMatch(/^[\x20-\x7e]*$/);
        expect(value.trim()).toBe(value);
        expect(decodeHeaderValue(value)).toBe(text.isWellFormed() ? text : text.toWellFormed());
      }),
    );
  });

  test("that only looks wrapped is wrapped", () => {
    expect(decodeHeaderValue(encodeHeaderValue("=?base64?eA==?="))).toBe("=?base64?eA==?=");
  });

  test.each(["=?base64?SGVsbG8?=", "=?base64?SGV%bG8=?="])("%s holds no valid base64", (value) => {
    expect(decodeHeaderValue(value)).toBeUndefined();
  });
});

describe("a JSON-RPC message", () => {
  test.each([
    [
      { jsonrpc: "2.0", id: 1, method: "ping" },
      { kind: "request", id: 1, method: "ping", params: {} },
    ],
    [
      { jsonrpc: "2.0", method: "notifications/x", params: { a: 1 } },
      { kind: "notification", method: "notifications/x", params: { a: 1 } },
    ],
    [
      { jsonrpc: "2.0", id: "a", result: {} },
      { kind: "result", id: "a", result: {} },
    ],
    [
      { jsonrpc: "2.0", id: null, error: { code: -1, message: "no" } },
      { kind: "failure", id: null, error: { code: -1, message: "no" } },
    ],
  ])("%j is told by its members", (value, expected) => {
    expect(parseMessage(value)).toEqual(expected);
  });

  test.each([
    [[{ jsonrpc: "2.0", id: 1, method: "ping" }]],
    [{ id: 1, method: "ping" }],
    [{ jsonrpc: "2.0", id: {}, method: "ping" }],
    [{ jsonrpc: "2.0", id: null, method: "ping" }],
    [{ jsonrpc: "2.0", id: 1, method: "ping", params: [1] }],
    [{ jsonrpc: "2.0", id: 1, result: "text" }],
    [{ jsonrpc: "2.0", result: {} }],
    [{ jsonrpc: "2.0", id: 1, error: { code: "x", message: "no" } }],
    [null],
    ["ping"],
  ])("%j is none", (value) => {
    expect(parseMessage(value)).toBeUndefined();
  });
});

test("the name an intermediary routes by is the one in the body", () => {
  expect(routedName("tools/call", { name: "a" })).toBe("a");
  expect(routedName("resources/read", { uri: "kb://a" })).toBe("kb://a");
  expect(routedName("tasks/get", { taskId: "t" })).toBe("t");
  expect(routedName("tools/list", { name: "a" })).toBeUndefined();
});

test("lines come out whole however the bytes are cut, and one over the limit is dropped alone", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", minLength: 1 })), fc.array(fc.nat(9)), (texts, cuts) => {
      const lines = texts.map((text) => JSON.stringify(text));
      const seen: string[] = [];
      let dropped = 0;
      const push = createLineSplitter({ limit: () => 40, line: (text) => seen.push(text), oversized: () => (dropped += 1) });
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      let from = 0;
      for (const cut of cuts) push(bytes.subarray(from, (from += cut)));
      push(bytes.subarray(from));
      const fits = lines.filter((line) => Buffer.byteLength(line) <= 40);
      expect(seen).toEqual(fits);
      expect(dropped).toBe(lines.length - fits.length);
    }),
  );
});

function sliced(text: string, cuts: readonly number[]): readonly string[] {
  const pieces: string[] = [];
  let from = 0;
  for (const cut of cuts) pieces.push(text.slice(from, (from += cut)));
  return [...pieces, text.slice(from)];
}
