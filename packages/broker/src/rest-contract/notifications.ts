import { z } from "@hono/zod-openapi";
import { NEWS } from "../domain/notification.ts";

const time = z.string().openapi({ format: "date-time" });

export const deliveryStateSchema = z.enum(["waiting", "sent", "dead", "cancelled"]);

/** A message to one receiver. */
export const deliverySchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    route: z.string(),
    channel: z.string(),
    /** `closing` changes a message whose question was answered. */
    purpose: z.enum(["notice", "reminder", "closing", "test"]),
    /** A person's id, or the address that `notify.yaml` names. */
    to: z.string(),
    about: z.array(z.object({ kind: z.enum(["approval", "elevation"]), id: z.string(), what: z.enum(NEWS) })),
    state: deliveryStateSchema,
    attempts: z.int(),
    createdAt: time,
    /** When it is sent, or tried again. */
    nextAt: time.optional(),
    sentAt: time.optional(),
    lastError: z.string().optional(),
  })
  .openapi("Notification");

export const notificationsSchema = z.object({
  notifications: z.array(deliverySchema),
  /** Of the tenants asked for. */
  counts: z.object({ waiting: z.int(), sent: z.int(), dead: z.int(), cancelled: z.int() }),
  channels: z.array(z.object({ name: z.string(), kind: z.enum(["email", "slack", "webpush", "webhook"]) })),
  /** How many routes `notify.yaml` has: without one nobody is told anything. */
  routes: z.int(),
});

export const pushKeySchema = z.object({
  /** `applicationServerKey` of the Push API, base64url; absent when `notify.yaml` has no web push. */
  publicKey: z.string().optional(),
});

/** As `PushSubscription.toJSON()` gives it: RFC 8030 endpoint, RFC 8291 keys. */
export const pushSubscriptionSchema = z.strictObject({
  endpoint: z.url({ protocol: /^https$/u }).max(2_048),
  expirationTime: z.number().nullable().optional(),
  keys: z.strictObject({
    /** An uncompressed point of P-256. */
    p256dh: z.string().regex(/^B[A-Za-z0-9_-]{86}$/u),
    auth: z.string().regex(/^[A-Za-z0-9_-]{22}$/u),
  }),
});
