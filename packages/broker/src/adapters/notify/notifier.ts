import type { Happenings } from "../../domain/happening.ts";
import type { NotificationStore } from "../../domain/notification.ts";
import { pause } from "../export/pause.ts";
import { planEvents, type PlanPorts } from "./plan.ts";
import { attempt, type SendPorts } from "./send.ts";

/** How often every tenant is looked at: what is due by the time alone, and what nobody was heard to say. */
const POLL_MS = 10_000;
/** Events of one transaction. */
const EVENTS = 100;
/** Deliveries of one tenant under way at once. */
const SENDS = 16;
/** Longer than any attempt: after this a broker that claimed a delivery is taken to be gone. */
export const LEASE_MS = 5 * 60_000;
/** Rounds of one look at a tenant, so that a busy one does not keep the others waiting. */
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
  const everyTenant = (): readonly string[] => ports.policy().tenants;
  const unsubscribe = ports.happenings?.subscribe((happening) => {
    if (happening === undefined) for (const tenant of everyTenant()) wake(tenant);
    else if (happening.kind === "approval" || happening.kind === "elevation") wake(happening.tenant);
  });
  const run = async (): Promise<void> => {
    let tenants = everyTenant();
    let allAt = ports.now().getTime();
    while (!stopping.signal.aborted) {
      await lookAt(tenants, ports, stopping.signal);
      await (ports.pause ?? pause)(POLL_MS, AbortSignal.any([stopping.signal, bell.signal]));
      // However often some tenants ring: the others are looked at in time.
      const all = !bell.signal.aborted || ports.now().getTime() - allAt >= POLL_MS;
      tenants = all ? everyTenant() : [...rung];
      if (all) allAt = ports.now().getTime();
      rung.clear();
      bell = new AbortController();
    }
  };
  const ended = mode === "running" ? run() : Promise.resolve();
  return {
    pass: () => lookAt(everyTenant(), ports, stopping.signal),
    wake,
    stop: async () => {
      unsubscribe?.();
      stopping.abort();
      await ended;
      await Promise.all([...ports.channels.values()].map((channel) => channel.close()));
    },
  };
}

async function lookAt(tenants: readonly string[], ports: NotifierPorts, stopping: AbortSignal): Promise<void> {
  const known = tenants.filter((tenant) => ports.policy().tenants.includes(tenant));
  // One after the other: each holds a connection while it reads on others, and together they could wait for each other for ever.
  for (const tenant of known) await routeAll(tenant, ports, stopping).catch(ports.onFault);
  await Promise.all(known.map(async (tenant) => sendDue(tenant, ports, stopping).catch(ports.onFault)));
}

async function routeAll(tenant: string, ports: NotifierPorts, stopping: AbortSignal): Promise<void> {
  await ports.store.ring(tenant, ports.now());
  for (let round = 0; round < MAX_ROUNDS && !stopping.aborted; round += 1) {
    const taken = await ports.store.route(tenant, EVENTS, (events) => planEvents(tenant, events, ports));
    if (taken < EVENTS) return;
  }
}

async function sendDue(tenant: string, ports: NotifierPorts, stopping: AbortSignal): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS && !stopping.aborted; round += 1) {
    const at = ports.now();
    const due = await ports.store.claim(tenant, { now: at, until: new Date(at.getTime() + LEASE_MS), limit: SENDS });
    await Promise.all(due.map(async (delivery) => attempt(delivery, ports).catch(ports.onFault)));
    if (due.length < SENDS) return;
  }
}
