import type { Policy } from "@bailiwick/policy";
import { z } from "zod";
import { type WebhookReceiver, webhookReceiver } from "../export/receivers.ts";
import { hookConfig, type NotifyHouse, openNotifyHouse, WEBHOOK_SECRET } from "./house.ts";

export const cleanups: (() => Promise<void>)[] = [];

/** Closes what the test opened. */
export async function closeAll(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}

/** A body of ours. */
export const payload = z.object({
  type: z.string(),
  data: z.object({ tenant: z.string(), entries: z.array(z.looseObject({ id: z.string(), what: z.string(), url: z.string() })) }),
});

/** A broker that tells a webhook. */
export async function open(
  route: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
  policy?: Policy,
): Promise<{ house: NotifyHouse; hook: WebhookReceiver }> {
  const hook = await webhookReceiver();
  cleanups.push(() => hook.close());
  const house = await openNotifyHouse(hookConfig(hook.url, route, more), {
    environment: { HOOK_SECRET: WEBHOOK_SECRET },
    ...(policy === undefined ? {} : { policy }),
  });
  cleanups.push(() => house.close());
  return { house, hook };
}

/** What the webhook took. */
export function saidTo(hook: WebhookReceiver): readonly z.output<typeof payload>[] {
  return hook.taken.map(({ body }) => payload.parse(JSON.parse(body)));
}

export function typesTo(hook: WebhookReceiver): readonly string[] {
  return saidTo(hook).map(({ type }) => type);
}
