/** What a question can be about. */
export type QuestionKind = "approval" | "elevation";

/**
 * What people are told of. `answered`: somebody answered and others must too. `escalated`: it waited so long that more people are asked.
 * `expired`: nobody answered in time, or a right that was given has ended.
 */
export const NEWS = ["pending", "answered", "approved", "denied", "escalated", "expired", "cancelled", "revoked"] as const;
export type News = (typeof NEWS)[number];

/** One thing of a message. */
export interface NewsItem {
  readonly kind: QuestionKind;
  readonly id: string;
  readonly what: News;
}

/** Something that happened and of which nobody was told yet. */
export interface OutboxEvent extends NewsItem {
  readonly at: Date;
}

/** Something that will happen if nobody answers before. */
export interface OutboxTimer {
  readonly kind: QuestionKind;
  readonly id: string;
  readonly what: "escalated" | "expired";
  readonly at: Date;
}

/** To whom a delivery goes. `device` is one of the person's browsers. */
export type Recipient = { readonly person: string; readonly device?: string | undefined } | { readonly address: string };

/** Where a message lies at its receiver, in words of the channel. */
export type Remote = Readonly<Record<string, string>>;

/** `closing` changes a message that was sent, once its question is answered. */
export type DeliveryPurpose = "notice" | "reminder" | "closing" | "test";
export type DeliveryState = "waiting" | "sent" | "dead" | "cancelled";

/** A delivery to be made. */
export interface NewDelivery {
  /** The same for the same news to the same receiver; the store makes the id of it. */
  readonly key: string;
  /** Name of the route, or `test`. */
  readonly route: string;
  readonly channel: string;
  readonly purpose: DeliveryPurpose;
  readonly to: Recipient;
  readonly items: readonly NewsItem[];
  /** When it may be sent. */
  readonly nextAt: Date;
  /** Whether items of a later delivery with this id join it while it waits. */
  readonly gathers: boolean;
  /** Of a `closing`: the message it changes. */
  readonly remote?: Remote | undefined;
}

export interface Delivery extends Omit<NewDelivery, "key" | "gathers"> {
  readonly tenant: string;
  /** `ntf_` and 22 characters; the receiver tells a repeated message by it. */
  readonly id: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly sentAt?: Date | undefined;
  /** Why it did not arrive; never a secret. */
  readonly lastError?: string | undefined;
}

/** What becomes of events: deliveries, clocks to set, and questions that wait no longer. */
export interface Routing {
  readonly deliveries: readonly NewDelivery[];
  readonly timers: readonly OutboxTimer[];
  /** Their clocks stop, and what waits to be sent about them as open is cancelled. */
  readonly closed: readonly Pick<NewsItem, "kind" | "id">[];
}

/** How one attempt ended. */
export type Attempt =
  | { readonly state: "sent"; readonly at: Date; readonly remote?: Remote | undefined }
  | { readonly state: "waiting"; readonly nextAt: Date; readonly error: string }
  | { readonly state: "dead" | "cancelled"; readonly error: string };

/** A browser that takes messages: RFC 8030 endpoint, RFC 8291 keys. */
export interface PushSubscription {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

export interface DeliveryQuery {
  readonly state?: DeliveryState | undefined;
  readonly limit: number;
}

interface ClaimOptions {
  readonly now: Date;
  readonly until: Date;
  readonly limit: number;
  /** Those of one channel, or of none of these. Default: all. */
  readonly among?: { readonly channel: string } | { readonly otherThan: readonly string[] } | undefined;
}

export interface NotificationStore {
  /**
   * Takes at most `limit` events, in their order, and puts what `plan` makes of them, all or nothing. Events that another broker has at the
   * moment are left to it. Returns how many were taken.
   */
  route(tenant: string, limit: number, plan: (events: readonly OutboxEvent[]) => Promise<Routing>): Promise<number>;
  /** Makes events of the clocks that have run out. */
  ring(tenant: string, now: Date): Promise<number>;
  put(tenant: string, delivery: NewDelivery, now: Date): Promise<Delivery | undefined>;
  /** Deliveries that are due, each for this broker alone until `until`. */
  claim(tenant: string, options: ClaimOptions): Promise<readonly Delivery[]>;
  /** Says how an attempt ended. An attempt that another broker has made again meanwhile says nothing more, unless it arrived. */
  settle(delivery: Delivery, attempt: Attempt): Promise<void>;
  find(tenant: string, id: string): Promise<Delivery | undefined>;
  /** Newest first. */
  list(tenant: string, query: DeliveryQuery): Promise<readonly Delivery[]>;
  /** dead -> waiting, with all attempts before it. False when it is not dead. */
  retry(tenant: string, id: string, now: Date): Promise<boolean>;
  /** Messages about a question that were sent and can be changed. */
  changeable(tenant: string, about: string): Promise<readonly Delivery[]>;
  /** How many there are in each state. */
  counts(tenant: string): Promise<Readonly<Record<DeliveryState, number>>>;
  subscribe(tenant: string, person: string, subscription: PushSubscription, at: Date): Promise<void>;
  /** False when this person has no such browser. */
  unsubscribe(tenant: string, person: string, endpoint: string): Promise<boolean>;
  /** Ids of a person's browsers. */
  devices(tenant: string, person: string): Promise<readonly string[]>;
  device(tenant: string, person: string, id: string): Promise<PushSubscription | undefined>;
  dropDevice(tenant: string, id: string): Promise<void>;
  /** Notes a request that must come once only. False when it came before. */
  once(tenant: string, id: string, until: Date): Promise<boolean>;
}
