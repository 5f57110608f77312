import type { NotificationStore } from "../../domain/notification.ts";
import type { SlackApp } from "../notify/open-channels.ts";

/** What people's interface knows of notifications. */
export interface NotificationAccess {
  readonly store: Pick<NotificationStore, "list" | "find" | "retry" | "put" | "counts" | "subscribe" | "unsubscribe" | "devices" | "once">;
  /** Those of `notify.yaml`. */
  readonly channels: readonly { readonly name: string; readonly kind: "email" | "slack" | "webpush" | "webhook" }[];
  /** Addresses that routes send to. */
  readonly addresses: readonly { readonly channel: string; readonly address: string }[];
  /** How many routes there are; without one nobody is told. */
  readonly routes: number;
  /** The broker's key for push services; absent when `notify.yaml` has no web push. */
  readonly pushKey?: string | undefined;
  readonly slack?: SlackApp | undefined;
  /** Something is due in this tenant. */
  wake(tenant: string): void;
}
