import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { adminRecord } from "../../domain/admin-record.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import { doerOf, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";

/** `POST /signing-keys/rotate`: the key that signs agents' tokens is the whole deployment's, so it takes somebody of every tenant. */
export function addSigningKeyEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  addEndpoint(app, ports, {
    method: "post",
    path: "/signing-keys/rotate",
    tag: "signing keys",
    summary: "signs tokens with a new key from now on; those that live stay valid until they expire",
    need: "operate",
    params: nothing,
    query: nothing,
    body: nothing,
    answer: z.object({ kid: z.string() }),
    handle: async ({ principal }) => {
      const { tenants } = ports.policy();
      if (!tenants.every((tenant) => principal.tenants.includes(tenant)))
        throw new Problem("wrong_tenant", "the signing key is every tenant's, and you are not of all of them", [
          "ask an operator of all tenants, or run `bailiwick keys rotate` on the broker's machine",
        ]);
      for (const tenant of tenants) {
        const by = { by: doerOf(principal), via: viaOf(principal) };
        await ports.log.append(tenant, adminRecord({ at: ports.now(), event: "signing_key.rotate", ...by, callId: "signing-keys" }));
      }
      return { kid: await ports.signingKeys.rotate() };
    },
  });
}
