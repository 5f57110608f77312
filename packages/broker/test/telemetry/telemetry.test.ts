import { expect, test } from "vitest";
import { createLogger } from "../../src/adapters/telemetry/logger.ts";
import { createMetrics } from "../../src/adapters/telemetry/metrics.ts";
import { Fault } from "../../src/domain/fault.ts";

function recorder(): { lines: string[]; stream: { write(text: string): void } } {
  const lines: string[] = [];
  return { lines, stream: { write: (text) => void lines.push(text) } };
}

test("the log hides tokens, codes, values and arguments wherever they stand", () => {
  const { lines, stream } = recorder();
  const code = "A".repeat(43);
  createLogger({ stream }).info(
    {
      token: "s3cret",
      request: { headers: { authorization: "Bearer s3cret" } },
      code,
      credential: { value: "s3cret" },
      args: { to: "s3cret" },
    },
    "hello",
  );
  expect(lines.join("")).not.toContain("s3cret");
  expect(lines.join("")).not.toContain(code);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "info", msg: "hello", token: "[hidden]" });
});

test("the log keeps the code of a fault, because operators search for it", () => {
  const { lines, stream } = recorder();
  createLogger({ stream }).error({ error: new Fault("log_unavailable", "the disk is full"), code: "no_grant" }, "a call was refused");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ code: "no_grant", error: { message: "the disk is full", code: "log_unavailable" } });
});

test("metrics count calls by verdict, code and tool and time them in seconds", async () => {
  const metrics = createMetrics({ pendingApprovals: async () => 3, overdueCredentials: async () => 2 });
  metrics.call({ verdict: "deny", code: "no_grant", tool: "tickets", durationMs: 2 });
  metrics.call({ verdict: "deny", code: "no_grant", tool: "tickets", durationMs: 2 });
  metrics.call({ verdict: "allow", code: "ok", tool: "mail", durationMs: 40 });
  metrics.step("decide", 0.3);
  metrics.logAppend(6, 64);
  const text = await metrics.prometheus();
  expect(text).toContain('bailiwick_calls_total{verdict="deny",code="no_grant",tool="tickets"} 2');
  expect(text).toContain('bailiwick_calls_total{verdict="allow",code="ok",tool="mail"} 1');
  expect(text).toContain('bailiwick_step_duration_seconds_bucket{step="decide",le="0.0005"} 1');
  expect(text).toMatch(/bailiwick_log_append_duration_seconds_sum 0\.006/u);
  expect(text).toContain("bailiwick_log_records_total 64");
  expect(text).toContain("bailiwick_approvals_pending 3");
  expect(text).toContain("bailiwick_credentials_overdue 2");
  await metrics.shutdown();
});

test("a label that takes ever new values ends in one overflow series", async () => {
  const metrics = createMetrics({ pendingApprovals: async () => 0, overdueCredentials: async () => 0 });
  for (let index = 0; index < 3_000; index += 1) metrics.call({ verdict: "deny", code: `code_${index}`, tool: "none", durationMs: 1 });
  const series = (await metrics.prometheus()).split("\n").filter((line) => line.startsWith("bailiwick_calls_total"));
  expect(series.length).toBeLessThanOrEqual(2_000);
  expect(series.some((line) => line.includes("otel_metric_overflow"))).toBe(true);
  await metrics.shutdown();
});
