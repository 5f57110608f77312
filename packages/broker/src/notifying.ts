import type { Policy } from "@bailiwick/policy";
import { type ChannelPorts, openChannels } from "./adapters/notify/open-channels.ts";
import { type Notifier, type NotifierPorts, startNotifier } from "./adapters/notify/notifier.ts";
import { vapidKeys } from "./adapters/notify/vapid.ts";
import { concealedFrom } from "./adapters/rest/approvals/conceal.ts";
import type { NotificationAccess } from "./adapters/rest/notification-access.ts";
import type { Store } from "./adapters/store/index.ts";
import type { NotifyConfig } from "./config/notify-schema.ts";
import { adminRecord, BROKER } from "./domain/admin-record.ts";
import type { Happenings } from "./domain/happening.ts";
import { noticeOfApproval, noticeOfElevation } from "./domain/notice.ts";
import type { Delivery } from "./domain/notification.ts";
import { requireNames } from "./notify-config.ts";

export interface NotifyingParts {
  readonly store: Pick<Store, "approvals" | "elevations" | "duties" | "notifications" | "log">;
  readonly policy: () => Policy;
  readonly config: NotifyConfig;
  readonly environment: (name: string) => string | undefined;
  readonly rootKey: Uint8Array;
  readonly publicUrl: string;
  readonly now: () => Date;
  readonly happenings?: Happenings | undefined;
  readonly onFault: (error: unknown) => void;
  readonly fetchOptions?: ChannelPorts["fetchOptions"];
}

/** People are told; and what REST needs to show it. */
export interface Notifying {
  readonly notifier: Notifier;
  readonly access: NotificationAccess;
}

/** @throws NotifyConfigError, ChannelError with what to do when a channel or route of `notify.yaml` cannot begin. */
export function openNotifying(parts: NotifyingParts, mode?: "by hand"): Notifying {
  const { store, policy, config, environment, now, onFault } = parts;
  requireNames(config, policy());
  const vapid = vapidKeys(parts.rootKey);
  const { channels, slack } = openChannels(config, { now, environment, vapid, fetchOptions: parts.fetchOptions });
  const ports: NotifierPorts = {
    config,
    channels,
    policy,
    now,
    notice: async (tenant, kind, id) => {
      if (kind === "approval") {
        const approval = await store.approvals.find(tenant, id);
        if (approval === undefined) return undefined;
        // Whoever may see a value sees it on the page: a message is not read by that person alone.
        const { args } = concealedFrom(policy(), approval, { kind: "operator", tenants: [] });
        return noticeOfApproval({ ...approval, args: args(approval.args) }, policy(), now());
      }
      const elevation = await store.elevations.find(tenant, id);
      return elevation === undefined ? undefined : noticeOfElevation(elevation, policy(), now());
    },
    duties: (tenant, at) => store.duties.inForce(tenant, at),
    store: store.notifications,
    publicUrl: parts.publicUrl.replace(/\/$/u, ""),
    random: () => Math.random(),
    recordDead: (delivery, error) => recordDead(parts, delivery, error),
    onFault,
    happenings: parts.happenings,
  };
  const notifier = startNotifier(ports, mode);
  return {
    notifier,
    access: {
      store: store.notifications,
      channels: [...channels].map(([name, { kind }]) => ({ name, kind })),
      addresses: config.routes.flatMap(({ to }) => to.flatMap((each) => ("address" in each ? [each] : []))),
      routes: config.routes.length,
      pushKey: [...channels.values()].some(({ kind }) => kind === "webpush") ? vapid.publicKey : undefined,
      slack,
      wake: (tenant) => notifier.wake(tenant),
    },
  };
}

/** Whoever was to hear of a held call did not: that belongs beside the call. */
async function recordDead(
  { store, now }: NotifyingParts,
  { tenant, id, route, channel, purpose, items, attempts }: Delivery,
  error: string,
): Promise<void> {
  await store.log.append(
    tenant,
    adminRecord({
      at: now(),
      event: "notification.dead",
      by: BROKER,
      callId: id,
      body: { notification: id, route, channel, purpose, attempts, about: items.map((item) => item.id) },
      facts: { message: error },
    }),
  );
}
