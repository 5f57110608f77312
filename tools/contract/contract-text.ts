import { fileURLToPath } from "node:url";
import { z } from "zod";
import { contractTypes } from "../../packages/console/build/contract.ts";
import { createRestApp } from "../../packages/broker/src/adapters/rest/app.ts";
import type { RestPorts } from "../../packages/broker/src/adapters/rest/ports.ts";

/** Where the console finds the types of what it asks the broker. */
export const CONTRACT_FILE = fileURLToPath(new URL("../../packages/console/app/api/contract.d.ts", import.meta.url));

const documentSchema = z.looseObject({ openapi: z.literal("3.1.0"), paths: z.record(z.string(), z.unknown()) });

/** What the file must say: the types of the REST app's own OpenAPI document. */
export async function contractText(): Promise<string> {
  const answer = await createRestApp(documentPorts()).request("/api/v1/openapi.json");
  const document = documentSchema.parse(await answer.json());
  return contractTypes(JSON.stringify(document));
}

/** The document depends on nothing behind the app, so nothing is there: whatever else is asked of these ports fails. */
function documentPorts(): RestPorts {
  const known: Partial<RestPorts> = {
    version: "0.0.0",
    publicUrl: "http://localhost",
    origins: ["http://localhost"],
    toolAccess: { documents: new Map(), begin: absent, enter: absent, finish: absent },
    onFault: (error) => {
      throw error;
    },
  };
  const nothing: object = new Proxy(absent, { get: () => nothing });
  return new Proxy(known as RestPorts, { get: (ports, name): unknown => Reflect.get(ports, name) ?? nothing });
}

function absent(): never {
  throw new Error("the OpenAPI document is made without a broker, and something asked for one");
}
