import { createServer } from "node:http";
import { once } from "node:events";
import { getRequestListener } from "@hono/node-server";
import { openRestHouse, type RestHouse } from "./rest.ts";
import { peopleOrigins } from "../../src/adapters/rest/relying-party.ts";
import type { RestPorts } from "../../src/adapters/rest/ports.ts";

export interface ServedHouse extends RestHouse {
  readonly url: string;
}

/** The REST app on a real port. */
export async function serveRestHouse(overrides: Partial<RestPorts> = {}): Promise<ServedHouse> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  const url = `http://127.0.0.1:${address.port}`;
  const house = await openRestHouse({ publicUrl: url, origins: peopleOrigins(url), ...overrides });
  const listener = getRequestListener((request) => house.app.fetch(request));
  server.on("request", (request, response) => void listener(request, response));
  return {
    ...house,
    url,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await house.close();
    },
  };
}
