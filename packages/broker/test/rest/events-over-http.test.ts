import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRestHouse, type RestHouse } from "../people-support/rest.ts";

let house: RestHouse;
let server: Server;
let url: string;
let token: string;
const listeners = new Set<unknown>();

beforeAll(async () => {
  house = await openRestHouse({
    happenings: {
      subscribe: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
  });
  token = await house.token("lena");
  const answer = getRequestListener(house.app.fetch);
  server = createServer((req, res) => void answer(req, res)).listen(0, "127.0.0.1");
  await once(server, "listening");
  // unsafe: a server that listens on a port has an address of this form
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/events`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await house.close();
});

async function ask(method: string): Promise<number> {
  const hangUp = new AbortController();
  const answer = await fetch(url, { method, headers: { authorization: `Bearer ${token}` }, signal: hangUp.signal });
  hangUp.abort();
  return answer.status;
}

test("asking about the stream without a body begins none, however often: afterwards it can still be had", async () => {
  for (let time = 0; time < 25; time += 1) expect(await ask("HEAD")).toBe(200);
  expect(listeners.size).toBe(0);
  expect(await ask("GET")).toBe(200);
});

test("a reader that hangs up is forgotten", async () => {
  for (let time = 0; time < 10; time += 1) expect(await ask("GET")).toBe(200);
  await expect.poll(() => listeners.size).toBe(0);
});
