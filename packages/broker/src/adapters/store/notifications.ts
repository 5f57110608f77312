import { type Kysely, sql, type Transaction } from "kysely";
import { z } from "zod";
import {
  type Delivery,
  type DeliveryState,
  type NewDelivery,
  NEWS,
  type NotificationStore,
  type OutboxEvent,
  type OutboxTimer,
  type Routing,
} from "../../domain/notification.ts";
import { deliveryOf, type DeliveryRow, type RowKeys, sealedRemote, type SealedDelivery, sealedDelivery } from "./delivery-row.ts";
import { type NotificationDeps, pushSubscriptions } from "./push-subscriptions.ts";
import type { Tables } from "./tables.ts";
import { inTenant } from "./tenant-scope.ts";

/** What a trigger writes, in the words of the tables; what is not here is no news to people. */
const NEWS_OF: Readonly<Record<string, OutboxEvent["what"]>> = {
  ...Object.fromEntries(NEWS.map((what) => [what, what])),
  active: "approved",
};

/** What people are told; everything of one tenant in one transaction. */
export function notificationStore(deps: NotificationDeps): NotificationStore {
  const { db } = deps;
  const opened = async (tenant: string, rows: readonly DeliveryRow[]): Promise<readonly Delivery[]> => {
    const { factsKey } = await deps.secrets(tenant);
    const known = await deps.people.behind(
      tenant,
      rows.flatMap(({ person }) => person ?? []),
    );
    const keys: RowKeys = { factsKey, person: (pseudonym) => known.get(pseudonym) };
    return rows.flatMap((row) => deliveryOf(row, keys) ?? []);
  };
  const find = async (tenant: string, id: string): Promise<Delivery | undefined> =>
    (await opened(tenant, await select(db, tenant, sql`id = ${id}`, 1)))[0];
  const sealAll = async (tenant: string, deliveries: readonly NewDelivery[]): Promise<readonly SealedDelivery[]> => {
    const { factsKey, tag } = await deps.secrets(tenant);
    return Promise.all(
      deliveries.map(async (each) => {
        const key = "person" in each.to ? await deps.people.of(tenant, each.to.person) : factsKey;
        // A tag: it stands in the log, and must not say who it was for.
        return sealedDelivery(tenant, `ntf_${tag("notification", each.key)}`, each, key);
      }),
    );
  };
  return {
    route: (tenant, limit, plan) =>
      inTenant(db, tenant, async (scoped) => {
        const { seqs, events } = await takeEvents(scoped, tenant, limit);
        if (seqs.length === 0) return 0;
        const routing = await plan(events);
        await apply(scoped, tenant, routing, await sealAll(tenant, routing.deliveries));
        await sql`delete from bailiwick.outbox where tenant_id = ${tenant} and seq = any (${seqs})`.execute(scoped);
        return seqs.length;
      }),
    ring: (tenant, now) =>
      inTenant(db, tenant, async (scoped) => {
        const { numAffectedRows } = await sql`
          with rung as (
            delete from bailiwick.outbox_timers
             where (tenant_id, kind, id, what) in (
               select tenant_id, kind, id, what from bailiwick.outbox_timers where tenant_id = ${tenant} and at <= ${now} limit 500 for update skip locked)
            returning kind, id, what, at)
          insert into bailiwick.outbox (tenant_id, kind, id, what, at) select ${tenant}, kind, id, what, at from rung order by at`.execute(
          scoped,
        );
        return Number(numAffectedRows ?? 0n);
      }),
    put: async (tenant, delivery, now) => {
      const sealed = await sealAll(tenant, [delivery]);
      await inTenant(db, tenant, (scoped) => insert(scoped, tenant, sealed, now));
      return find(tenant, sealed[0]?.id ?? "");
    },
    claim: async (tenant, { now, until, limit, among = { otherThan: [] } }) => {
      const ofThese = "channel" in among ? sql`channel = ${among.channel}` : sql`channel <> all (${[...among.otherThan]}::text[])`;
      const rows = await inTenant(db, tenant, async (scoped) => {
        const { rows: claimed } = await sql<DeliveryRow>`
          update bailiwick.deliveries set attempts = attempts + 1, next_at = ${until}
           where tenant_id = ${tenant} and id in (
             select id from bailiwick.deliveries where tenant_id = ${tenant} and state = 'waiting' and next_at <= ${now} and ${ofThese}
              order by next_at, id limit ${limit} for update skip locked)
          returning *`.execute(scoped);
        return claimed;
      });
      return opened(tenant, rows);
    },
    settle: async (delivery, attempt) => {
      const { tenant, id, attempts, to } = delivery;
      const { factsKey } = await deps.secrets(tenant);
      const remote = attempt.state === "sent" ? attempt.remote : undefined;
      const key = "person" in to ? await deps.people.find(tenant, to.person) : factsKey;
      // Somebody who was erased meanwhile has no row either.
      const sealed = remote === undefined || key === undefined ? null : sealedRemote(tenant, id, remote, key);
      await inTenant(db, tenant, (scoped) =>
        sql`
          update bailiwick.deliveries set
                 state = ${attempt.state}, last_error = ${attempt.state === "sent" ? null : attempt.error},
                 next_at = ${attempt.state === "waiting" ? attempt.nextAt : sql`next_at`},
                 sent_at = ${attempt.state === "sent" ? attempt.at : null}, remote = coalesce(${sealed}, remote)
           where tenant_id = ${tenant} and id = ${id}
             and (${attempt.state === "sent"} and state in ('waiting', 'cancelled') or attempts = ${attempts} and state = 'waiting')`.execute(
          scoped,
        ),
      );
    },
    find,
    list: async (tenant, { state, limit }) =>
      opened(tenant, await select(db, tenant, state === undefined ? sql`true` : sql`state = ${state}`, limit)),
    changeable: async (tenant, about) =>
      opened(
        tenant,
        await select(db, tenant, sql`about = ${about} and state = 'sent' and remote is not null and purpose <> 'closing'`, 1_000),
      ),
    retry: (tenant, id, now) =>
      inTenant(db, tenant, async (scoped) => {
        const { numAffectedRows } = await sql`
          update bailiwick.deliveries set state = 'waiting', attempts = 0, next_at = ${now}
           where tenant_id = ${tenant} and id = ${id} and state = 'dead'`.execute(scoped);
        return (numAffectedRows ?? 0n) > 0n;
      }),
    counts: (tenant) =>
      inTenant(db, tenant, async (scoped) => {
        const { rows } = await sql<{ state: DeliveryState; n: number }>`
          select state, count(*)::int as n from bailiwick.deliveries where tenant_id = ${tenant} group by state`.execute(scoped);
        return { waiting: 0, sent: 0, dead: 0, cancelled: 0, ...Object.fromEntries(rows.map(({ state, n }) => [state, n])) };
      }),
    ...pushSubscriptions(deps),
    once: (tenant, id, until) =>
      inTenant(db, tenant, async (scoped) => {
        const { numAffectedRows } = await sql`
          insert into bailiwick.used_proofs (tenant_id, id, until) values (${tenant}, ${id}, ${until}) on conflict do nothing`.execute(
          scoped,
        );
        return (numAffectedRows ?? 0n) > 0n;
      }),
  };
}

const eventRow = z.object({
  seq: z.coerce.string(),
  kind: z.enum(["approval", "elevation"]),
  id: z.string(),
  what: z.string(),
  at: z.date(),
});

/** Locks them until they are routed; those that another broker has are passed over. */
async function takeEvents(
  scoped: Transaction<Tables>,
  tenant: string,
  limit: number,
): Promise<{ readonly seqs: readonly string[]; readonly events: readonly OutboxEvent[] }> {
  const { rows } = await sql`
    select seq::text, kind, id, what, at from bailiwick.outbox where tenant_id = ${tenant} order by seq limit ${limit} for update skip locked`.execute(
    scoped,
  );
  const taken = rows.map((row) => eventRow.parse(row));
  return {
    seqs: taken.map(({ seq }) => seq),
    events: taken.flatMap(({ kind, id, what, at }) => {
      const news = NEWS_OF[what];
      return news === undefined ? [] : [{ kind, id, what: news, at }];
    }),
  };
}

async function apply(scoped: Transaction<Tables>, tenant: string, routing: Routing, sealed: readonly SealedDelivery[]): Promise<void> {
  for (const { kind, id } of routing.closed) {
    await sql`delete from bailiwick.outbox_timers where tenant_id = ${tenant} and kind = ${kind} and id = ${id}`.execute(scoped);
    await sql`
      update bailiwick.deliveries set state = 'cancelled', last_error = 'it was answered before this was sent'
       where tenant_id = ${tenant} and about = ${id} and state = 'waiting' and purpose in ('notice', 'reminder')
         and items -> 0 ->> 'what' in ('pending', 'answered', 'escalated')`.execute(scoped);
  }
  for (const timer of routing.timers) await setTimer(scoped, tenant, timer);
  await insert(scoped, tenant, sealed, undefined);
}

async function setTimer(scoped: Transaction<Tables>, tenant: string, { kind, id, what, at }: OutboxTimer): Promise<void> {
  await sql`
    insert into bailiwick.outbox_timers (tenant_id, kind, id, what, at) values (${tenant}, ${kind}, ${id}, ${what}, ${at})
    on conflict (tenant_id, kind, id, what) do update set at = excluded.at`.execute(scoped);
}

/** One that is there already stays; one that gathers and was not tried yet takes the new items. */
async function insert(
  scoped: Transaction<Tables>,
  tenant: string,
  sealed: readonly SealedDelivery[],
  now: Date | undefined,
): Promise<void> {
  for (const { id, delivery, person, device, address, remote } of sealed) {
    const { route, channel, purpose, items, nextAt, gathers } = delivery;
    const about = items.length === 1 && !gathers ? (items[0]?.id ?? null) : null;
    await sql`
      insert into bailiwick.deliveries as d
        (tenant_id, id, route, channel, purpose, person, device, address, about, items, state, next_at, created_at, remote)
      values (${tenant}, ${id}, ${route}, ${channel}, ${purpose}, ${person}, ${device}, ${address}, ${about}, ${JSON.stringify(items)}::jsonb,
              'waiting', ${nextAt}, ${now ?? sql`clock_timestamp()`}, ${remote})
      on conflict (tenant_id, id) do update set items = d.items || excluded.items
        where ${gathers} and d.state = 'waiting' and d.attempts = 0`.execute(scoped);
  }
}

async function select(db: Kysely<Tables>, tenant: string, which: ReturnType<typeof sql>, limit: number): Promise<readonly DeliveryRow[]> {
  return inTenant(db, tenant, async (scoped) => {
    const { rows } = await sql<DeliveryRow>`
      select * from bailiwick.deliveries where tenant_id = ${tenant} and ${which} order by created_at desc, id desc limit ${limit}`.execute(
      scoped,
    );
    return rows;
  });
}
