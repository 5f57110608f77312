import { readFileSync } from "node:fs";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { pushKeySchema, pushSubscriptionSchema } from "../../rest-contract/notifications.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import { recordPerson } from "./person-record.ts";
import type { RestPorts } from "./ports.ts";
import { type Principal, viaOf } from "./principal.ts";
import { Problem } from "./problem.ts";

/** What the worker may do: nothing but answer to pushes. */
const WORKER_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/javascript; charset=utf-8",
  "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  // Pages of the whole origin: a message leads to any of them. It is also the default, said here on purpose.
  "service-worker-allowed": "/",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-cache",
};

/** `/push-worker.js`: shows messages while no page is open. */
export function addPushWorker(app: OpenAPIHono): void {
  const text = readFileSync(new URL("../notify/push-worker.js", import.meta.url), "utf8");
  app.get("/push-worker.js", () => new Response(text, { headers: WORKER_HEADERS }));
}

/** `GET /notifications/push`, `POST /notifications/push/subscribe`, `POST /notifications/push/unsubscribe`: the asking person's own browsers. */
export function addPushEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  const { store } = ports.notifications;
  addEndpoint(app, ports, {
    method: "get",
    path: "/notifications/push",
    tag: "notifications",
    summary: "the broker's key for push services",
    need: "self",
    params: nothing,
    query: nothing,
    body: nothing,
    answer: pushKeySchema,
    handle: async () => {
      const publicKey = ports.notifications.pushKey;
      return publicKey === undefined ? {} : { publicKey };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/notifications/push/subscribe",
    tag: "notifications",
    summary: "sends the asking person's messages to this browser",
    need: "self",
    params: nothing,
    query: nothing,
    body: pushSubscriptionSchema,
    answer: z.object({ subscribed: z.boolean() }),
    handle: async ({ principal, body: { endpoint, keys } }) => {
      const person = personOf(principal);
      if (ports.notifications.pushKey === undefined)
        throw new Problem("not_found", "this broker sends no web push", [
          "add a channel `webpush` to `notify.yaml`, see docs/guide/notifications.md",
        ]);
      await recordPerson(ports, person, "notification.subscribe", {
        by: { person: person.id },
        via: viaOf(principal),
        body: { channel: "webpush", service: new URL(endpoint).host },
      });
      for (const tenant of principal.tenants) await store.subscribe(tenant, person.id, { endpoint, keys }, ports.now());
      return { subscribed: true };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/notifications/push/unsubscribe",
    tag: "notifications",
    summary: "sends the asking person's messages to this browser no more",
    need: "self",
    params: nothing,
    query: nothing,
    body: z.strictObject({ endpoint: z.string().min(1).max(2_048) }),
    answer: z.object({ unsubscribed: z.boolean() }),
    handle: async ({ principal, body }) => {
      const person = personOf(principal);
      const gone = await Promise.all(principal.tenants.map((tenant) => store.unsubscribe(tenant, person.id, body.endpoint)));
      return { unsubscribed: gone.includes(true) };
    },
  });
}

function personOf(principal: Principal): Extract<Principal, { kind: "person" }>["person"] {
  if (principal.kind === "person") return principal.person;
  throw new Problem("person_required", "the operator key is no person and has no browser", ["sign in as a person"]);
}
