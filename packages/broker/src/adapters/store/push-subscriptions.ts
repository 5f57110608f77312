import { type Kysely, sql } from "kysely";
import { z } from "zod";
import type { NotificationStore, PushSubscription } from "../../domain/notification.ts";
import { openJson, sealJson } from "./subjects/sealed-json.ts";
import type { Subjects } from "./subjects/subjects.ts";
import type { TenantSecrets } from "./subjects/tenant-secrets.ts";
import { withSubject } from "./subjects/with-subject.ts";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

export interface NotificationDeps {
  readonly db: Kysely<Tables>;
  readonly people: Subjects;
  readonly secrets: (tenant: string) => Promise<TenantSecrets>;
}

const subscriptionSchema = z.object({ endpoint: z.string(), keys: z.object({ p256dh: z.string(), auth: z.string() }) });

/** A person has a handful of browsers; the oldest makes room. */
const MAX_DEVICES = 10;

/** Browsers that take messages. An endpoint belongs to whoever subscribed it last. */
export function pushSubscriptions({
  db,
  people,
  secrets,
}: NotificationDeps): Pick<NotificationStore, "subscribe" | "unsubscribe" | "devices" | "device" | "dropDevice"> {
  const idOf = async (tenant: string, endpoint: string): Promise<string> => (await secrets(tenant)).tag("notification", `push ${endpoint}`);
  return {
    subscribe: async (tenant, person, subscription, at) => {
      const id = await idOf(tenant, subscription.endpoint);
      await withSubject(people, tenant, person, (subject) =>
        inTenant(db, tenant, async (scoped) => {
          const sealed = sealJson(subject, subscription, associatedOf(tenant, id));
          await sql`
            insert into bailiwick.push_subscriptions (tenant_id, id, person, created_at, sealed)
            values (${tenant}, ${id}, ${subject.pseudonym}, ${at}, ${sealed})
            on conflict (tenant_id, id) do update set person = excluded.person, created_at = excluded.created_at, sealed = excluded.sealed`.execute(
            scoped,
          );
          await sql`
            delete from bailiwick.push_subscriptions where tenant_id = ${tenant} and id in (
              select id from bailiwick.push_subscriptions where tenant_id = ${tenant} and person = ${subject.pseudonym}
               order by created_at desc, id offset ${MAX_DEVICES})`.execute(scoped);
        }),
      );
    },
    unsubscribe: async (tenant, person, endpoint) => {
      const subject = await people.find(tenant, person);
      if (subject === undefined) return false;
      const id = await idOf(tenant, endpoint);
      return inTenant(db, tenant, async (scoped) => {
        const { numAffectedRows } = await sql`
          delete from bailiwick.push_subscriptions where tenant_id = ${tenant} and id = ${id} and person = ${subject.pseudonym}`.execute(
          scoped,
        );
        return (numAffectedRows ?? 0n) > 0n;
      });
    },
    devices: async (tenant, person) => {
      const subject = await people.find(tenant, person);
      if (subject === undefined) return [];
      return inTenant(db, tenant, async (scoped) => {
        const { rows } = await sql<{ id: string }>`
          select id from bailiwick.push_subscriptions where tenant_id = ${tenant} and person = ${subject.pseudonym} order by id`.execute(
          scoped,
        );
        return rows.map(({ id }) => id);
      });
    },
    device: async (tenant, person, id): Promise<PushSubscription | undefined> => {
      const subject = await people.find(tenant, person);
      if (subject === undefined) return undefined;
      return inTenant(db, tenant, async (scoped) => {
        const { rows } = await sql<{ sealed: Buffer }>`
          select sealed from bailiwick.push_subscriptions
           where tenant_id = ${tenant} and id = ${id} and person = ${subject.pseudonym}`.execute(scoped);
        const sealed = rows[0]?.sealed;
        return sealed === undefined ? undefined : subscriptionSchema.parse(openJson(subject, sealed, associatedOf(tenant, id)));
      });
    },
    dropDevice: (tenant, id) =>
      inTenant(db, tenant, async (scoped) => {
        await sql`delete from bailiwick.push_subscriptions where tenant_id = ${tenant} and id = ${id}`.execute(scoped);
      }),
  };
}

function associatedOf(tenant: string, id: string): string {
  return `push|${tenant}|${id}`;
}
