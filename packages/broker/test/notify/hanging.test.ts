import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { notifySchema } from "../../src/config/notify-schema.ts";
import { openNotifying } from "../../src/notifying.ts";
import { webhookReceiver } from "../export/receivers.ts";
import { company } from "../people-support/company.ts";
import { PUBLIC_URL } from "../people-support/rest.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";
import { cleanups, closeAll, saidTo } from "./hooked.ts";
import { hookConfig, openNotifyHouse, WEBHOOK_SECRET } from "./house.ts";

afterEach(closeAll);

/** Takes what is sent and never answers. */
async function silentReceiver(): Promise<{ readonly url: string; readonly asked: () => number; readonly close: () => Promise<void> }> {
  let asked = 0;
  const server = createServer(() => (asked += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // safe: it listens on a port
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked: () => asked,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("a receiver that hangs keeps neither another channel nor another tenant waiting", async () => {
  const hook = await webhookReceiver();
  cleanups.push(() => hook.close());
  const house = await openNotifyHouse(hookConfig(hook.url), { environment: { HOOK_SECRET: WEBHOOK_SECRET } });
  cleanups.push(() => house.close());
  const silent = await silentReceiver();
  const secret = "${env:HOOK_SECRET}";
  const config = notifySchema.parse({
    channels: { silent: { webhook: { url: silent.url, secret } }, hook: { webhook: { url: hook.url, secret } } },
    routes: [
      { name: "held", on: { tenants: ["acme"] }, to: [{ channel: "silent" }, { channel: "hook" }] },
      { name: "globex", on: { tenants: ["globex"] }, to: [{ channel: "hook" }] },
    ],
  });
  const { notifier } = openNotifying({
    store: house.store,
    policy: () => company,
    config,
    environment: () => WEBHOOK_SECRET,
    rootKey: Buffer.from(TEST_ROOT_KEY, "hex"),
    publicUrl: PUBLIC_URL,
    now: house.now,
    onFault: (error) => house.faults.push(error),
  });
  // Its connections are cut before the notifier is waited for.
  cleanups.push(() => notifier.stop(), silent.close);
  await house.hold();
  notifier.wake("acme");
  await vi.waitFor(() => expect(silent.asked()).toBe(1), { timeout: 8_000 });
  const second = await house.hold({ callId: "call_2", args: { id: "T-18" } });
  const elsewhere = await house.hold({ tenant: "globex", callId: "call_3", user: "gus" });
  notifier.wake("acme");
  notifier.wake("globex");
  await vi.waitFor(
    () =>
      expect(saidTo(hook).flatMap(({ data }) => data.entries.map(({ id }) => id))).toEqual(
        expect.arrayContaining([second.id, elsewhere.id]),
      ),
    {
      timeout: 8_000,
    },
  );
  expect(house.faults).toEqual([]);
});
