import { expect, onTestFinished, test } from "vitest";
import type { TestBroker } from "../../../client/test/support/broker.ts";
import { startBroker } from "../../../client/test/support/broker.ts";
import { startSidecar } from "../../../client/test/support/sidecar.ts";
import { denied, echo } from "../mcp/support/operations.ts";
import type { Opened, StockClient } from "./stock-clients.ts";
import { STOCK_CLIENTS } from "./stock-clients.ts";

async function opened(client: StockClient, place: Parameters<StockClient>[0]): Promise<Opened> {
  const open = await client(place);
  onTestFinished(() => open.close());
  return open;
}

async function isServed(broker: TestBroker, open: Opened): Promise<void> {
  expect(await open.tools()).toEqual(expect.arrayContaining(["echo", "drop_table"]));
  expect(await open.call("echo", { a: 1 })).toContain('echo {"a":1}');
  expect(broker.surface.seen.at(-1)).toMatchObject({ name: "echo" });
}

test.each(STOCK_CLIENTS)("%s is served through the sidecar, with a proof in each request", async (_name, client) => {
  const broker = await startBroker([echo, denied]);
  const { url } = await startSidecar(broker);
  await isServed(broker, await opened(client, { url }));
  expect(broker.proven.every(({ presented }) => presented.scheme === "DPoP")).toBe(true);
  expect(new Set(broker.proven.map(({ claims }) => claims.proof?.id)).size).toBe(broker.proven.length);
});

test.each(STOCK_CLIENTS)("%s is served with a bearer token", async (_name, client) => {
  const broker = await startBroker([echo, denied]);
  broker.surface.allow("t1");
  broker.oauth.tokens.set("t1", {
    agent: "bailiwick://acme/dev/support/triage",
    session: "ses_t1",
    run: "ses_t1",
    binding: { kind: "bearer" },
    restrict: undefined,
  });
  await isServed(broker, await opened(client, { url: `${broker.url}/mcp`, headers: { Authorization: "Bearer t1" } }));
});

test.each(STOCK_CLIENTS)("a refusal reaches the model of %s with its reason, and the client goes on", async (_name, client) => {
  const broker = await startBroker([echo, denied]);
  const { url } = await startSidecar(broker);
  const open = await opened(client, { url });
  const said = await open.call("drop_table", {}).catch((error: unknown) => String(error));
  expect(said).toContain("tables are never dropped by agents");
  expect(await open.call("echo", {})).toContain("echo {}");
});
