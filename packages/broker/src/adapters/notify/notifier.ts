import type { Happenings } from "../../domain/happening.ts";
import type { NotificationStore } from "../../domain/notification.ts";
import { pause } from "../export/pause.ts";
import { planEvents, type PlanPorts } from "./plan.ts";
import { attempt, type SendPorts } from "./send.ts";

/** How often every tenant is looked at: what is due by the time alone, and what nobody was heard to say. */
const POLL_MS = 10_000;
/** Events of one transaction. */
const EVENTS = 100;
/** Deliveries of one channel of one tenant under way at once. */
const SENDS = 16;
/** Longer than any attempt: after this a broker that claimed a delivery is taken to be gone. */
export const LEASE_MS = 5 * 60_000;
/** Rounds of one look, so that a busy tenant does not keep the others waiting. */
const MAX_ROUNDS = 20;

export interface NotifierPorts extends PlanPorts, SendPorts {
  readonly store: NotificationStore;
  readonly channels: SendPorts["channels"];
  readonly happenings?: Happenings | undefined;
  /** Resolves after so long, or when the signal is aborted. Default: a timer. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Notifier {
  /** Routes what happened and makes the attempts that are due now, in all tenants. Never rejects. */
  pass(): Promise<void>;
  /** Something is due in this tenant. */
  wake(tenant: string): void;
  /** Ends after the attempts under way. */
  stop(): Promise<void>;
}

/**
 * Tells people. Any number of brokers do so side by side: an event is routed by one of them, and a delivery is made by one of them.
 * Without routes it takes the events away, since nobody is to be told.
 */
export function startNotifier(ports: NotifierPorts, mode: "running" | "by hand" = "running"): Notifier {
  const stopping = new AbortController();
  let bell = new AbortController();
  const rung = new Set<string>();
  const wake = (tenant: string): void => {
    rung.add(tenant);
    bell.abort();
  };
  const senders = sending(ports, stopping.signal);
  const channels = [...ports.channels.keys(), undefined];
  const everyTenant = (): readonly string[] => ports.policy().tenants;
  const unsubscribe = ports.happenings?.subscribe((happening) => {
    if (happening === undefined) for (const tenant of everyTenant()) wake(tenant);
    else if (happening.kind === "approval" || happening.kind === "elevation") wake(happening.tenant);
  });
  const run = async (): Promise<void> => {
    let tenants = everyTenant();
    let allAt = ports.now().getTime();
    while (!stopping.signal.aborted) {
      await route(tenants, ports, stopping.signal);
      // Not waited for: a receiver that hangs keeps nothing waiting but its own channel in its own tenant.
      for (const tenant of tenants) for (const channel of channels) void senders.send(tenant, channel);
      await (ports.pause ?? pause)(POLL_MS, AbortSignal.any([stopping.signal, bell.signal]));
      // However often some tenants ring: the others are looked at in time.
      const all = !bell.signal.aborted || ports.now().getTime() - allAt >= POLL_MS;
      tenants = everyTenant().filter((tenant) => all || rung.has(tenant));
      if (all) allAt = ports.now().getTime();
      rung.clear();
      bell = new AbortController();
    }
  };
  const ended = mode === "running" ? run() : Promise.resolve();
  return {
    pass: async () => {
      await route(everyTenant(), ports, stopping.signal);
      await Promise.all(everyTenant().flatMap((tenant) => channels.map(async (channel) => senders.send(tenant, channel))));
    },
    wake,
    stop: async () => {
      unsubscribe?.();
      stopping.abort();
      await ended;
      await senders.ended();
      await Promise.all([...ports.channels.values()].map((channel) => channel.close()));
    },
  };
}

async function route(tenants: readonly string[], ports: NotifierPorts, stopping: AbortSignal): Promise<void> {
  // One after the other: each holds a connection while it reads on others, and together they could wait for each other for ever.
  for (const tenant of tenants) await routeAll(tenant, ports, stopping).catch(ports.onFault);
}

interface Senders {
  /** Makes the attempts that are due in a channel of a tenant; undefined: in those that `notify.yaml` no longer has. Never rejects. */
  send(tenant: string, channel: string | undefined): Promise<void>;
  /** Resolves when none is under way. */
  ended(): Promise<void>;
}

/** One look at a channel of a tenant at a time; whoever asks meanwhile gets one more. */
function sending(ports: NotifierPorts, stopping: AbortSignal): Senders {
  const underWay = new Map<string, { again: boolean; readonly ended: Promise<void> }>();
  const looks = async (key: string, tenant: string, channel: string | undefined): Promise<void> => {
    for (let again = true; again && !stopping.aborted; again = underWay.get(key)?.again === true) {
      const current = underWay.get(key);
      if (current !== undefined) current.again = false;
      await sendDue(tenant, channel, ports, stopping).catch(ports.onFault);
    }
    underWay.delete(key);
  };
  return {
    send: (tenant, channel) => {
      const key = JSON.stringify([tenant, channel]);
      const current = underWay.get(key);
      if (current !== undefined) {
        current.again = true;
        return current.ended;
      }
      const begun = Promise.withResolvers<void>();
      underWay.set(key, { again: false, ended: begun.promise });
      void looks(key, tenant, channel).then(begun.resolve);
      return begun.promise;
    },
    ended: async () => {
      await Promise.all([...underWay.values()].map(({ ended }) => ended));
    },
  };
}

async function routeAll(tenant: string, ports: NotifierPorts, stopping: AbortSignal): Promise<void> {
  await ports.store.ring(tenant, ports.now());
  for (let round = 0; round < MAX_ROUNDS && !stopping.aborted; round += 1) {
    const taken = await ports.store.route(tenant, EVENTS, (events) => planEvents(tenant, events, ports));
    if (taken < EVENTS) return;
  }
}

async function sendDue(tenant: string, channel: string | undefined, ports: NotifierPorts, stopping: AbortSignal): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS && !stopping.aborted; round += 1) {
    const at = ports.now();
    const among = channel === undefined ? { otherThan: [...ports.channels.keys()] } : { channel };
    const due = await ports.store.claim(tenant, { now: at, until: new Date(at.getTime() + LEASE_MS), limit: SENDS, among });
    await Promise.all(due.map(async (delivery) => attempt(delivery, ports).catch(ports.onFault)));
    if (due.length < SENDS) return;
  }
}
