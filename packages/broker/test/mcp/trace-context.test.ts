import { describe, expect, test } from "vitest";
import type { JsonObject } from "@bailiwick/policy";
import { legacy, modern, startEndpoint } from "./support/endpoint.ts";
import type { MemoryOperation } from "./support/memory-surface.ts";

const INNER = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const OUTER = `00-${"c".repeat(32)}-${"d".repeat(16)}-00`;

type Trace = { readonly traceparent: string | undefined; readonly tracestate: string | undefined };

/** Makes one call in each era and returns what the broker took for its trace. */
async function traces(meta: JsonObject, headers: Readonly<Record<string, string>>): Promise<readonly Trace[]> {
  const got: Trace[] = [];
  const noting: MemoryOperation = {
    kind: "tool",
    entry: { name: "note", description: "note", inputSchema: { type: "object" } },
    async run(_args, _io, { traceparent, tracestate }) {
      got.push({ traceparent, tracestate });
      return { content: [] };
    },
  };
  const { url } = await startEndpoint([noting]);
  await modern(url, "tools/call", { name: "note", arguments: {} }, { meta, headers });
  const client = await legacy(url);
  await client.request("tools/call", { name: "note", arguments: {}, _meta: meta }, { headers });
  expect(got).toHaveLength(2);
  return got;
}

describe("the trace of a call, in both eras", () => {
  test("is what the HTTP headers say", async () => {
    const expected = { traceparent: OUTER, tracestate: "a=1" };
    expect(await traces({}, { traceparent: OUTER, tracestate: "a=1" })).toEqual([expected, expected]);
  });

  test("is what `_meta` says when both say something, and the two are not mixed", async () => {
    const expected = { traceparent: INNER, tracestate: undefined };
    expect(await traces({ traceparent: INNER }, { traceparent: OUTER, tracestate: "a=1" })).toEqual([expected, expected]);
    const withState = { traceparent: INNER, tracestate: "b=2" };
    expect(await traces({ traceparent: INNER, tracestate: "b=2" }, { traceparent: OUTER })).toEqual([withState, withState]);
  });

  test.each<[string, JsonObject]>([
    ["a malformed one", { traceparent: "00-zz" }],
    ["a number", { traceparent: 7 }],
    ["an object", { traceparent: { toString: "x" } }],
  ])("is none when `_meta` holds %s, whatever the headers say", async (_what, meta) => {
    const none = { traceparent: undefined, tracestate: undefined };
    expect(await traces(meta, { traceparent: OUTER })).toEqual([none, none]);
  });

  test("is none when the header is malformed, and the call goes on", async () => {
    const none = { traceparent: undefined, tracestate: undefined };
    expect(await traces({}, { traceparent: `00-${"0".repeat(32)}-${"d".repeat(16)}-01`, tracestate: "a=1" })).toEqual([none, none]);
  });
});
