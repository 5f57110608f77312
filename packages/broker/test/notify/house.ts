import { randomBytes } from "node:crypto";
import type { Policy } from "@bailiwick/policy";
import { type NotifyConfig, notifySchema } from "../../src/config/notify-schema.ts";
import type { GuardedFetchOptions } from "../../src/adapters/outbound/guarded-fetch.ts";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import type { Approval } from "../../src/domain/approval.ts";
import { type Notifying, openNotifying } from "../../src/notifying.ts";
import { company } from "../people-support/company.ts";
import { heldApproval, PUBLIC_URL } from "../people-support/rest.ts";
import { TEST_ROOT_KEY, testStore } from "../support/store.ts";

/** A broker that tells people, stepped by hand, over a real store. */
export interface NotifyHouse {
  readonly store: Store;
  readonly notifying: Notifying;
  readonly faults: unknown[];
  /** The owner's. */
  databaseUrl(): string;
  now(): Date;
  /** Moves the clock of everything but the database's own. */
  later(ms: number): void;
  setNow(at: Date): void;
  hold(overrides?: Partial<Approval>): Promise<Approval>;
  /** The answer of a person, as the store takes it. */
  answer(approval: Approval, verdict: "approve" | "deny", by?: string, state?: "pending"): Promise<void>;
  /** A further broker on the same database; with `dies` it ends after each message it has sent, before it can say so. */
  second(fate?: "lives" | "dies"): Promise<Notifying>;
  pass(): Promise<void>;
  close(): Promise<void>;
}

export interface HouseOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly policy?: Policy;
  readonly fetchOptions?: GuardedFetchOptions;
  /** Default: a store of its own. */
  readonly store?: Store;
}

export async function openNotifyHouse(given: unknown, options: HouseOptions = {}): Promise<NotifyHouse> {
  const closers: (() => Promise<void>)[] = [];
  const faults: unknown[] = [];
  let shift = 0;
  const now = (): Date => new Date(Date.now() + shift);
  const config: NotifyConfig = notifySchema.parse(given);
  const openOver = (store: Store): Notifying => {
    const notifying = openNotifying(
      {
        store,
        policy: () => options.policy ?? company,
        config,
        environment: (name) => options.environment?.[name],
        rootKey: Buffer.from(TEST_ROOT_KEY, "hex"),
        publicUrl: PUBLIC_URL,
        now,
        onFault: (error) => faults.push(error),
        fetchOptions: options.fetchOptions,
      },
      "by hand",
    );
    closers.push(() => notifying.notifier.stop());
    return notifying;
  };
  const opened = options.store === undefined ? await testStore({ now: () => now() }) : undefined;
  if (opened !== undefined) closers.push(() => opened.close());
  const store = options.store ?? opened?.store;
  if (store === undefined) throw new Error("there is no store");
  const notifying = openOver(store);
  return {
    store,
    notifying,
    faults,
    databaseUrl: () => opened?.databaseUrl ?? "",
    now,
    later: (ms) => {
      shift += ms;
    },
    setNow: (at) => {
      shift = at.getTime() - Date.now();
    },
    hold: async (overrides = {}) => {
      const approval = heldApproval({ createdAt: now(), expiresAt: new Date(now().getTime() + 30 * 60_000), ...overrides });
      await store.approvals.create(approval);
      return approval;
    },
    answer: async (approval, verdict, by = "lena", state) => {
      const answer = { verdict, by, at: now(), via: "passkey", roles: ["support-lead"] } as const;
      const outcome = await store.approvals.answer(approval.tenant, approval.id, {
        answer,
        seen: approval.answers.length,
        state: state ?? (verdict === "approve" ? "approved" : "denied"),
      });
      if (!outcome.ok) throw new Error(outcome.state);
    },
    second: async (fate = "lives") => {
      const other = await openStore(
        { databaseUrl: opened?.databaseUrl ?? "", rootKey: TEST_ROOT_KEY },
        { brokerId: `broker-${randomBytes(4).toString("hex")}`, now },
      );
      closers.push(() => other.close());
      const settle = async (): Promise<never> => Promise.reject(new Error("the broker ends here"));
      return openOver(fate === "lives" ? other : { ...other, notifications: { ...other.notifications, settle } });
    },
    pass: () => notifying.notifier.pass(),
    close: async () => {
      for (const close of closers.toReversed()) await close();
    },
  };
}

/** `whsec_` and 32 bytes. */
export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

/** A channel to a webhook, and one route to it. */
export function hookConfig(url: string, route: Record<string, unknown> = {}, more: Record<string, unknown> = {}): unknown {
  return {
    channels: { hook: { webhook: { url, secret: "${env:HOOK_SECRET}" } } },
    routes: [{ name: "held", to: [{ channel: "hook" }], ...route }],
    ...more,
  };
}
