import type { NotifyConfig } from "../../config/notify-schema.ts";
import type { Notice } from "../../domain/notice.ts";
import type { Attempt, Delivery, NewDelivery, NewsItem, PushSubscription } from "../../domain/notification.ts";
import { Fault } from "../../domain/fault.ts";
import { DeliveryFault } from "../export/destination.ts";
import { type Addressee, type Channel, type Entry, GoneFault, type Message } from "./channel.ts";
import { OPEN_NEWS, type PlanPorts } from "./plan.ts";

const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 3_600_000;

export interface SendPorts extends Pick<PlanPorts, "policy" | "now" | "notice" | "onFault"> {
  readonly config: NotifyConfig;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly store: {
    settle(delivery: Delivery, attempt: Attempt): Promise<void>;
    put(tenant: string, delivery: NewDelivery, now: Date): Promise<Delivery | undefined>;
    device(tenant: string, person: string, id: string): Promise<PushSubscription | undefined>;
    dropDevice(tenant: string, id: string): Promise<void>;
  };
  /** URL of people's pages, without a trailing slash. */
  readonly publicUrl: string;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Writes into the log that a delivery was given up. @throws when the log cannot be written. */
  readonly recordDead: (delivery: Delivery, error: string) => Promise<void>;
}

/**
 * Makes one attempt and says how it ended. Between sending and saying so a broker can end: then it is sent again, under the same id.
 * @throws Fault when the store or the log cannot be written; the delivery is then claimed again later.
 */
export async function attempt(delivery: Delivery, ports: SendPorts): Promise<void> {
  const ended = await tried(delivery, ports);
  // In this order: of a delivery that is given up the log must say so, twice rather than never.
  if (ended.state === "dead") await ports.recordDead(delivery, ended.error);
  await ports.store.settle(delivery, ended);
  if (ended.state === "sent" && ended.remote !== undefined) await closeIfAnswered(delivery, ended.remote, ports);
}

async function tried(delivery: Delivery, ports: SendPorts): Promise<Attempt> {
  // One that has ended brokers before: nobody said how its attempts went.
  if (delivery.attempts > ports.config.tries) return { state: "dead", error: "no attempt came to an end" };
  try {
    return await sent(delivery, ports);
  } catch (error) {
    // The store is away: nothing is known of the attempt, and it is made again.
    if (error instanceof Fault) throw error;
    if (!(error instanceof GoneFault)) return failed(delivery, error, ports);
    if ("person" in delivery.to && delivery.to.device !== undefined) await ports.store.dropDevice(delivery.tenant, delivery.to.device);
    return cancelled(error.message);
  }
}

/** @throws DeliveryFault, GoneFault, Fault. */
async function sent(delivery: Delivery, ports: SendPorts): Promise<Attempt> {
  const channel = ports.channels.get(delivery.channel);
  if (channel === undefined) return cancelled(`the channel \`${delivery.channel}\` is not in \`notify.yaml\` any more`);
  const to = await addresseeOf(delivery, ports);
  if (typeof to === "string") return cancelled(to);
  const entries = await entriesOf(delivery, ports);
  if (entries.length === 0 && delivery.purpose !== "test") return cancelled("it was answered before this was sent");
  const message = messageOf(delivery, entries, ports);
  if (delivery.purpose === "closing") {
    await channel.amend?.(message, delivery.remote ?? {});
    return { state: "sent", at: ports.now() };
  }
  const remote = await channel.send(message, to);
  return { state: "sent", at: ports.now(), ...(remote === undefined ? {} : { remote }) };
}

function failed({ attempts }: Delivery, error: unknown, { config, now, random, onFault }: SendPorts): Attempt {
  // Anything else could hold a secret in its message.
  if (!(error instanceof DeliveryFault)) onFault(error);
  const message =
    error instanceof DeliveryFault ? error.message : "the broker failed on this message; its operator finds the cause in the program's log";
  if (attempts >= config.tries || (error instanceof DeliveryFault && error.code === "refused")) return { state: "dead", error: message };
  return { state: "waiting", error: message, nextAt: new Date(now().getTime() + backoffMs(attempts, random())) };
}

/** Doubles with each attempt; half of it is chance, so that what failed together does not come back together. */
export function backoffMs(attempts: number, random: number): number {
  const full = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), MAX_RETRY_MS);
  return Math.round(full / 2 + (full / 2) * random);
}

/** Whoever left the tenant since is told nothing more. */
async function addresseeOf({ tenant, to }: Delivery, { policy, store }: SendPorts): Promise<Addressee | string> {
  if ("address" in to) return to;
  const person = policy().people.find(({ id, tenants }) => id === to.person && tenants.includes(tenant));
  if (person === undefined) return "this person is not in the tenant any more";
  if (to.device === undefined) return { person };
  return { person, subscription: await store.device(tenant, person.id, to.device) };
}

/** What a message is about, as it is now: what was answered meanwhile asks nobody any more. */
async function entriesOf({ tenant, items }: Delivery, { notice, publicUrl }: SendPorts): Promise<readonly Entry[]> {
  const latest = new Map<string, NewsItem>(items.map((item) => [`${item.kind} ${item.id}`, item]));
  const entries: Entry[] = [];
  for (const { kind, id, what } of latest.values()) {
    const found = await notice(tenant, kind, id);
    if (found === undefined || (OPEN_NEWS.includes(what) && !found.open)) continue;
    entries.push({ notice: found, what, link: linkTo(publicUrl, found) });
  }
  return entries;
}

function linkTo(publicUrl: string, { kind, id }: Notice): string {
  return `${publicUrl}/${kind === "approval" ? "approvals" : "elevations"}/${encodeURIComponent(id)}`;
}

function messageOf({ id, tenant, purpose, route }: Delivery, entries: readonly Entry[], { config, publicUrl }: SendPorts): Message {
  const details = config.routes.find(({ name }) => name === route)?.details ?? "short";
  return { id, tenant, purpose, entries, details, inbox: `${publicUrl}/` };
}

/** An answer may have come between reading the question and sending the message: the answer's own closing did not see it yet. */
async function closeIfAnswered(delivery: Delivery, remote: NonNullable<Delivery["remote"]>, ports: SendPorts): Promise<void> {
  const [item, ...more] = delivery.items;
  if (item === undefined || more.length > 0 || !OPEN_NEWS.includes(item.what)) return;
  const now = await ports.notice(delivery.tenant, item.kind, item.id);
  if (now === undefined || now.open) return;
  const what = (["approved", "denied", "expired", "cancelled", "revoked"] as const).find((each) => each === now.state) ?? "approved";
  const { route, channel, to, tenant, id } = delivery;
  const closing = { key: JSON.stringify(["closing", id, what]), route, channel, purpose: "closing", to, remote } as const;
  await ports.store.put(tenant, { ...closing, items: [{ ...item, what }], nextAt: ports.now(), gathers: false }, ports.now());
}

function cancelled(error: string): Attempt {
  return { state: "cancelled", error };
}
