import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Delivery } from "../../domain/notification.ts";
import { deliverySchema, deliveryStateSchema, notificationsSchema } from "../../rest-contract/notifications.ts";
import { nameSchema } from "../../rest-contract/schemas.ts";
import { adminId } from "./admin-id.ts";
import { addEndpoint, nothing } from "./endpoint.ts";
import type { RestPorts } from "./ports.ts";
import type { Principal } from "./principal.ts";
import { Problem } from "./problem.ts";
import { findAmong, notFound, oneTenantOf, tenantsOf } from "./tenants.ts";

const MAX_NOTIFICATIONS = 200;

/** `GET /notifications`, `POST /notifications/{id}/retry`, `POST /notifications/test`. */
export function addNotificationEndpoints(app: OpenAPIHono, ports: RestPorts): void {
  const { store } = ports.notifications;
  addEndpoint(app, ports, {
    method: "get",
    path: "/notifications",
    tag: "notifications",
    summary: "messages to people, newest first, and what became of them",
    need: "view",
    params: nothing,
    query: z.strictObject({
      tenant: nameSchema.optional(),
      state: deliveryStateSchema.optional(),
      limit: z.coerce.number().int().min(1).max(MAX_NOTIFICATIONS).default(50),
    }),
    body: nothing,
    answer: notificationsSchema,
    handle: async ({ principal, query }) => {
      const tenants = tenantsOf(principal, query.tenant);
      const lists = await Promise.all(tenants.map((tenant) => store.list(tenant, { state: query.state, limit: query.limit })));
      const counts = await Promise.all(tenants.map((tenant) => store.counts(tenant)));
      const newest = lists.flat().toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
      const sum = (state: keyof (typeof counts)[number]): number => counts.reduce((total, each) => total + each[state], 0);
      return {
        notifications: newest.slice(0, query.limit).map(viewDelivery),
        counts: { waiting: sum("waiting"), sent: sum("sent"), dead: sum("dead"), cancelled: sum("cancelled") },
        channels: ports.notifications.channels.map(({ name, kind }) => ({ name, kind })),
        routes: ports.notifications.routes,
      };
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/notifications/{id}/retry",
    tag: "notifications",
    summary: "tries a message again that was given up",
    need: "operate",
    params: z.object({ id: nameSchema }),
    query: nothing,
    body: nothing,
    answer: deliverySchema,
    handle: async ({ principal, params: { id } }) => {
      const found = await find(ports, principal, id);
      if (!(await store.retry(found.tenant, id, ports.now()))) {
        throw new Problem("notification_not_dead", `the notification is ${found.state}, and only one that was given up is tried again`, [
          "run `bailiwick notifications list --state dead` to see those",
        ]);
      }
      ports.notifications.wake(found.tenant);
      return viewDelivery(await find(ports, principal, id));
    },
  });
  addEndpoint(app, ports, {
    method: "post",
    path: "/notifications/test",
    tag: "notifications",
    summary: "sends a message that says it is a test, to a person or to an address of `notify.yaml`",
    need: "operate",
    params: nothing,
    query: nothing,
    body: z.strictObject({
      tenant: nameSchema.optional(),
      channel: nameSchema,
      person: nameSchema.optional(),
      address: z.string().min(1).max(320).optional(),
    }),
    answer: deliverySchema,
    handle: async ({ principal, body }) => {
      const tenant = oneTenantOf(principal, body.tenant);
      const to = await testTarget(ports, principal, tenant, body);
      const key = JSON.stringify(["test", adminId(ports)]);
      const at = ports.now();
      const made = await store.put(
        tenant,
        { key, route: "test", channel: body.channel, purpose: "test", to, items: [], nextAt: at, gathers: false },
        at,
      );
      ports.notifications.wake(tenant);
      if (made === undefined) throw notFound("notification", "test", "bailiwick notifications list");
      return viewDelivery(made);
    },
  });
}

async function find(ports: RestPorts, principal: Principal, id: string): Promise<Delivery> {
  const found = await findAmong(principal.tenants, (tenant) => ports.notifications.store.find(tenant, id));
  if (found === undefined) throw notFound("notification", id, "bailiwick notifications list");
  return found;
}

/** A test goes where the configuration already sends, and nowhere else. @throws Problem `malformed_request`, `not_found`. */
async function testTarget(
  ports: RestPorts,
  principal: Principal,
  tenant: string,
  { channel, person, address }: { readonly channel: string; readonly person?: string | undefined; readonly address?: string | undefined },
): Promise<Delivery["to"]> {
  const { channels, addresses } = ports.notifications;
  const known = channels.find(({ name }) => name === channel);
  if (known === undefined) {
    throw new Problem("not_found", `\`notify.yaml\` has no channel \`${channel}\``, [
      `name one of: ${channels.map(({ name }) => name).join(", ") || "none; see docs/guide/notifications.md"}`,
    ]);
  }
  if (known.kind === "webhook") return { address: "" };
  if (address !== undefined) {
    if (addresses.some((each) => each.channel === channel && each.address === address)) return { address };
    throw new Problem("not_found", "no route of `notify.yaml` sends to this address by this channel", [
      "name an address that one does, or a person",
    ]);
  }
  const id = person ?? (principal.kind === "person" ? principal.person.id : undefined);
  if (id === undefined) throw new Problem("malformed_request", "it is not said to whom", ["give `person` or `address`"]);
  if (!ports.policy().people.some((each) => each.id === id && each.tenants.includes(tenant)))
    throw notFound("person", id, "bailiwick people list");
  if (known.kind !== "webpush") return { person: id };
  const [device] = await ports.notifications.store.devices(tenant, id);
  if (device !== undefined) return { person: id, device };
  throw new Problem("not_found", `no browser of \`${id}\` takes messages`, ["turn them on in the console, in that browser"]);
}

function viewDelivery(delivery: Delivery): z.input<typeof deliverySchema> {
  const { id, tenant, route, channel, purpose, to, items, state, attempts, createdAt, nextAt, sentAt, lastError } = delivery;
  return {
    id,
    tenant,
    route,
    channel,
    purpose,
    to: "person" in to ? to.person : to.address || channel,
    about: items.map((item) => ({ ...item })),
    state,
    attempts,
    createdAt: createdAt.toISOString(),
    ...(state === "waiting" ? { nextAt: nextAt.toISOString() } : {}),
    ...(sentAt === undefined ? {} : { sentAt: sentAt.toISOString() }),
    ...(lastError === undefined ? {} : { lastError }),
  };
}
