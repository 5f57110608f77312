import type { OpenAPIHono } from "@hono/zod-openapi";
import type { RestPorts } from "./ports.ts";

/** A readiness check that does not answer in this time has failed. */
const READY_TIMEOUT_MS = 2_000;

/** `/healthz`: the process answers. `/readyz`: store, log and policy work, so calls may be let in. `/metrics`: Prometheus text. */
export function addHealth(app: OpenAPIHono, ports: Pick<RestPorts, "readiness" | "metrics" | "onFault">): void {
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    const checks = await Promise.all(ports.readiness.map(async ({ name, check }) => ({ name, ok: await passes(ports, check) })));
    const ready = checks.every((check) => check.ok);
    return c.json({ status: ready ? "ready" : "not ready", checks }, ready ? 200 : 503);
  });
  app.get("/metrics", async (c) => c.text(await ports.metrics(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }));
}

async function passes(ports: Pick<RestPorts, "onFault">, check: () => Promise<void>): Promise<boolean> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`a readiness check did not answer in ${READY_TIMEOUT_MS} ms`));
  }, READY_TIMEOUT_MS);
  try {
    await Promise.race([check(), late.promise]);
    return true;
  } catch (error) {
    ports.onFault(error);
    return false;
  } finally {
    clearTimeout(timer);
  }
}
