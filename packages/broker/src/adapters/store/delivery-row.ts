import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { type Delivery, type NewDelivery, NEWS, type Remote } from "../../domain/notification.ts";
import { seal, unseal } from "./sealing.ts";
import type { Subject } from "./subjects/subjects.ts";

export interface DeliveryRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly route: string;
  readonly channel: string;
  readonly purpose: Delivery["purpose"];
  readonly person: string | null;
  readonly device: string | null;
  readonly address: Buffer | null;
  readonly items: unknown;
  readonly state: Delivery["state"];
  readonly attempts: number;
  readonly next_at: Date;
  readonly last_error: string | null;
  readonly created_at: Date;
  readonly sent_at: Date | null;
  readonly remote: Buffer | null;
}

export interface RowKeys {
  readonly factsKey: KeyObject;
  readonly person: (pseudonym: string) => Subject | undefined;
}

/** A delivery as the table holds it. */
export interface SealedDelivery {
  readonly id: string;
  readonly delivery: NewDelivery;
  readonly person: string | null;
  readonly device: string | null;
  readonly address: Buffer | null;
  readonly remote: Buffer | null;
}

const itemsSchema = z.array(z.object({ kind: z.enum(["approval", "elevation"]), id: z.string(), what: z.enum(NEWS) }));
const remoteSchema = z.record(z.string(), z.string());

/** `key` is the person's the delivery is for, or the tenant's. */
export function sealedDelivery(tenant: string, id: string, delivery: NewDelivery, key: Subject | KeyObject): SealedDelivery {
  const { to, remote } = delivery;
  const subject = "pseudonym" in key ? key : undefined;
  return {
    id,
    delivery,
    person: subject?.pseudonym ?? null,
    device: "person" in to ? (to.device ?? null) : null,
    address: "address" in to ? seal(keyOf(key), Buffer.from(to.address, "utf8"), associatedOf("address", tenant, id)) : null,
    remote: remote === undefined ? null : sealedRemote(tenant, id, remote, key),
  };
}

export function sealedRemote(tenant: string, id: string, remote: Remote, key: Subject | KeyObject): Buffer {
  return seal(keyOf(key), Buffer.from(JSON.stringify(remote), "utf8"), associatedOf("remote", tenant, id));
}

/** Undefined when it was for somebody who was erased. */
export function deliveryOf(row: DeliveryRow, { factsKey, person }: RowKeys): Delivery | undefined {
  const { tenant_id: tenant, id } = row;
  const subject = row.person === null ? undefined : person(row.person);
  if (row.person !== null && subject === undefined) return undefined;
  const key = subject?.key ?? factsKey;
  const opened = (part: "address" | "remote", sealed: Buffer): string =>
    unseal(key, sealed, associatedOf(part, tenant, id)).toString("utf8");
  return {
    tenant,
    id,
    route: row.route,
    channel: row.channel,
    purpose: row.purpose,
    to:
      subject === undefined
        ? { address: row.address === null ? "" : opened("address", row.address) }
        : { person: subject.name, ...(row.device === null ? {} : { device: row.device }) },
    items: itemsSchema.parse(row.items),
    state: row.state,
    attempts: row.attempts,
    nextAt: row.next_at,
    createdAt: row.created_at,
    ...(row.sent_at === null ? {} : { sentAt: row.sent_at }),
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    ...(row.remote === null ? {} : { remote: remoteSchema.parse(JSON.parse(opened("remote", row.remote))) }),
  };
}

function keyOf(key: Subject | KeyObject): KeyObject {
  return "pseudonym" in key ? key.key : key;
}

function associatedOf(part: "address" | "remote", tenant: string, id: string): string {
  return `delivery ${part}|${tenant}|${id}`;
}
