import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import type { Era } from "../../src/adapters/mcp-protocol/index.ts";
import type { McpTarget } from "../../src/adapters/mcp-client/index.ts";
import { reportIn, serveReport } from "../telemetry/support/reporting-server.ts";
import { agent, closeAll, connect, NO_EQUIPMENT, tool } from "./support.ts";

afterEach(closeAll);

const TOOL = fileURLToPath(new URL("../telemetry/support/reporting-tool.ts", import.meta.url));
const TRACE = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, tracestate: "rojo=1,congo=2" };

describe.each<Era>(["modern", "legacy"])("a tool server of the %s era", (era) => {
  const stdio: McpTarget = { command: [process.execPath, TOOL, era], environment: { PATH: process.env["PATH"] ?? "" } };
  const options = { timeoutMs: 10_000, maxBytes: 100_000, equipment: NO_EQUIPMENT, io: agent() };

  test("is told of the trace over HTTP, in the headers and in `_meta`", async () => {
    const { connection } = connect({ url: await serveReport(era) });
    const { headers, meta } = reportIn(await connection.invoke(tool("report"), {}, { ...options, trace: TRACE }));
    expect(headers).toMatchObject(TRACE);
    expect(meta).toMatchObject(TRACE);
    expect(headers).not.toHaveProperty("baggage");
    expect(meta).not.toHaveProperty("baggage");
  });

  test("is told of the trace over its pipes, in `_meta`, and still of where to send progress", async () => {
    const { connection } = connect(stdio);
    const { meta } = reportIn(await connection.invoke(tool("report"), {}, { ...options, trace: TRACE }));
    expect(meta).toMatchObject({ ...TRACE, progressToken: expect.any(Number) as unknown });
  });

  test("is told of no trace when the call has none, and never of one that another call had", async () => {
    const { connection } = connect({ url: await serveReport(era) });
    await connection.invoke(tool("report"), {}, { ...options, trace: TRACE });
    const { headers, meta } = reportIn(await connection.invoke(tool("report"), {}, options));
    for (const member of ["traceparent", "tracestate"]) {
      expect(headers).not.toHaveProperty(member);
      expect(meta).not.toHaveProperty(member);
    }
  });
});
