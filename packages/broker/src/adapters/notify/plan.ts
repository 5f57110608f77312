import type { PersonConfig, Policy } from "@bailiwick/policy";
import type { NotifyConfig, NotifyRoute, NotifyTarget } from "../../config/notify-schema.ts";
import { escalatesAt, tally } from "../../domain/answering.ts";
import type { Duty } from "../../domain/duty.ts";
import { Fault } from "../../domain/fault.ts";
import { type Notice, peopleAsked } from "../../domain/notice.ts";
import type {
  NewDelivery,
  News,
  NewsItem,
  NotificationStore,
  OutboxEvent,
  OutboxTimer,
  QuestionKind,
  Recipient,
  Routing,
} from "../../domain/notification.ts";
import type { Channel } from "./channel.ts";
import { quietUntil } from "./quiet-hours.ts";

export interface PlanPorts {
  readonly config: NotifyConfig;
  readonly channels: ReadonlyMap<string, Pick<Channel, "kind" | "reaches">>;
  readonly policy: () => Policy;
  readonly now: () => Date;
  /** Undefined when it is gone: whoever it was for was erased. */
  readonly notice: (tenant: string, kind: QuestionKind, id: string) => Promise<Notice | undefined>;
  readonly duties: (tenant: string, at: Date) => Promise<readonly Duty[]>;
  readonly store: Pick<NotificationStore, "devices" | "changeable">;
  /** A failure that is ours. */
  readonly onFault: (error: unknown) => void;
}

/** News that is none once the question was answered. */
export const OPEN_NEWS: readonly News[] = ["pending", "answered", "escalated"];

/** Whom what happened is told, when, and by which channels. */
export async function planEvents(tenant: string, events: readonly OutboxEvent[], ports: PlanPorts): Promise<Routing> {
  const deliveries: NewDelivery[] = [];
  const timers: OutboxTimer[] = [];
  const closed: Pick<NewsItem, "kind" | "id">[] = [];
  const duties = events.length === 0 ? [] : await ports.duties(tenant, ports.now());
  for (const event of events) {
    const notice = await ports.notice(tenant, event.kind, event.id).catch((error: unknown) => {
      // One that cannot be read must not keep all later ones from being told; a store that is away comes back.
      if (error instanceof Fault) throw error;
      ports.onFault(error);
      return undefined;
    });
    const over = notice === undefined || !OPEN_NEWS.includes(event.what);
    if (over) closed.push({ kind: event.kind, id: event.id });
    if (notice === undefined || !isNews(notice, event, ports.now())) continue;
    timers.push(...timersOf(notice, event, ports.now()));
    for (const route of ports.config.routes) {
      if (matches(route, notice, event)) deliveries.push(...(await deliveriesOf(route, notice, event, duties, ports)));
    }
    if (over) deliveries.push(...(await closings(tenant, event, ports)));
  }
  return { deliveries: withoutRepeated(deliveries), timers, closed };
}

/** A clock that was set by one broker while another heard of the end still rings. */
const WITHDRAWN: readonly string[] = ["denied", "cancelled", "revoked"];

/** An event may be older than an answer. */
function isNews(notice: Notice, { what }: OutboxEvent, now: Date): boolean {
  if (OPEN_NEWS.includes(what)) return notice.open;
  if (what === "expired" && WITHDRAWN.includes(notice.state)) return false;
  // A yes that nobody used in time was answered.
  return what !== "expired" || notice.kind === "elevation" || !tally(notice.question, now).complete;
}

function timersOf({ kind, id, question, expiresAt }: Notice, { what }: OutboxEvent, now: Date): readonly OutboxTimer[] {
  if (what === "approved") return kind === "elevation" ? [{ kind, id, what: "expired", at: expiresAt }] : [];
  if (what !== "pending") return [];
  const escalates = escalatesAt(question, now);
  return [
    { kind, id, what: "expired", at: expiresAt },
    ...(escalates === undefined || escalates >= expiresAt ? [] : [{ kind, id, what: "escalated" as const, at: escalates }]),
  ];
}

function matches({ on }: NotifyRoute, notice: Notice, { kind, what }: OutboxEvent): boolean {
  const { tenant, environment, effect, scope } = notice;
  const covers = (pattern: string, one: string): boolean =>
    pattern.endsWith("*") ? one.startsWith(pattern.slice(0, -1)) : one === pattern;
  return (
    on.what.includes(what) &&
    (on.tenants?.includes(tenant) ?? true) &&
    (on.kind?.includes(kind) ?? true) &&
    (on.environments?.includes(environment) ?? true) &&
    (on.effect?.some((each) => each === effect) ?? true) &&
    // An elevation without scopes is to all of its role.
    (on.scope === undefined || scope.length === 0 || on.scope.some((pattern) => scope.some((one) => covers(pattern, one))))
  );
}

async function deliveriesOf(
  route: NotifyRoute,
  notice: Notice,
  event: OutboxEvent,
  duties: readonly Duty[],
  ports: PlanPorts,
): Promise<readonly NewDelivery[]> {
  const found: NewDelivery[] = [];
  for (const target of route.to) {
    for (const to of await recipientsOf(target, notice, event, duties, ports)) {
      const about = { route: route.name, channel: target.channel, to, items: [{ kind: event.kind, id: event.id, what: event.what }] };
      found.push(noticeTo(route, notice, about, event, ports.now()));
      if (route.remind !== undefined && event.what === "pending") {
        const at = new Date(ports.now().getTime() + route.remind);
        const nextAt = quietEnd(route, notice, at) ?? at;
        found.push({ ...about, key: keyOf("reminder", about, event), purpose: "reminder", nextAt, gathers: false });
      }
    }
  }
  return found;
}

type About = Pick<NewDelivery, "route" | "channel" | "to" | "items">;

function noticeTo(route: NotifyRoute, notice: Notice, about: About, event: OutboxEvent, now: Date): NewDelivery {
  const quiet = quietEnd(route, notice, now);
  if (quiet === undefined || route.quiet?.afterwards !== "digest")
    return { ...about, key: keyOf("notice", about, event), purpose: "notice", nextAt: quiet ?? now, gathers: false };
  const { channel, to } = about;
  return { ...about, key: JSON.stringify(["digest", route.name, channel, to, quiet]), purpose: "notice", nextAt: quiet, gathers: true };
}

function quietEnd({ quiet }: NotifyRoute, { effect }: Notice, at: Date): Date | undefined {
  if (quiet === undefined || quiet.except.some((each) => each === effect)) return undefined;
  return quietUntil(quiet, at);
}

/** Without the route: somebody whom two routes name is told once. */
function keyOf(purpose: string, { channel, to }: Pick<About, "channel" | "to">, { kind, id, what, at }: OutboxEvent): string {
  return JSON.stringify([purpose, channel, to, kind, id, what, at]);
}

async function recipientsOf(
  target: NotifyTarget,
  notice: Notice,
  event: OutboxEvent,
  duties: readonly Duty[],
  ports: PlanPorts,
): Promise<readonly Recipient[]> {
  const channel = ports.channels.get(target.channel);
  if (channel === undefined) return [];
  if ("address" in target) return [{ address: target.address }];
  if (!("people" in target) && !("roles" in target)) return [{ address: "" }];
  const policy = ports.policy();
  const people =
    "roles" in target
      ? holdersOf(policy, notice.tenant, target.roles)
      : peopleAsked(notice, {
          policy,
          duties,
          now: ports.now(),
          ...(event.what === "escalated" ? { only: notice.question.terms.escalate?.to } : {}),
        });
  const reached = people.filter((person) => channel.reaches(person));
  if (channel.kind !== "webpush") return reached.map(({ id }) => ({ person: id }));
  const devices = await Promise.all(
    reached.map(async ({ id }) => (await ports.store.devices(notice.tenant, id)).map((device) => ({ person: id, device }))),
  );
  return devices.flat();
}

function holdersOf(policy: Policy, tenant: string, roles: readonly string[]): readonly PersonConfig[] {
  return policy.people.filter((person) => person.tenants.includes(tenant) && person.roles.some((role) => roles.includes(role)));
}

/** Messages that were sent stop asking. */
async function closings(tenant: string, event: OutboxEvent, { store, now }: PlanPorts): Promise<readonly NewDelivery[]> {
  const sent = await store.changeable(tenant, event.id);
  return sent.map(({ id, route, channel, to, remote }) => ({
    key: JSON.stringify(["closing", id, event.what]),
    route,
    channel,
    purpose: "closing",
    to,
    items: [{ kind: event.kind, id: event.id, what: event.what }],
    nextAt: now(),
    gathers: false,
    remote,
  }));
}

function withoutRepeated(deliveries: readonly NewDelivery[]): readonly NewDelivery[] {
  // Those that gather are put together by the store.
  const keys = new Set<string>();
  return deliveries.filter(({ key, gathers }) => {
    if (gathers) return true;
    if (keys.has(key)) return false;
    keys.add(key);
    return true;
  });
}
