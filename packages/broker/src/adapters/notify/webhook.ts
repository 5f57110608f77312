import { DeliveryFault, reasonOf } from "../export/destination.ts";
import { postWebhook, webhookAgent, webhookSignature } from "../outbound/standard-webhooks.ts";
import type { Channel, Entry, Message } from "./channel.ts";
import { untrustedOf } from "./words.ts";

const TIMEOUT_MS = 10_000;

export interface WebhookOptions {
  readonly url: URL;
  readonly key: Uint8Array;
  readonly now: () => Date;
  readonly ca?: string | undefined;
}

/** Standard Webhooks: signed, `webhook-id` is the delivery's and the same when it is sent again. */
export function webhookChannel({ url, key, now, ca }: WebhookOptions): Channel {
  const agent = webhookAgent(TIMEOUT_MS, ca);
  return {
    kind: "webhook",
    reaches: () => false,
    send: async (message) => {
      const body = JSON.stringify(payloadOf(message, now()));
      const headers = { "content-type": "application/json", ...webhookSignature(key, message.id, now(), body) };
      const status = await postWebhook({ url, agent, headers, body, limitMs: 2 * TIMEOUT_MS }).catch((error: unknown) => {
        throw new DeliveryFault("unreachable", `\`${url.host}\` cannot be reached: ${reasonOf(error)}`, { cause: error });
      });
      judge(status, url.host);
      return undefined;
    },
    close: () => agent.destroy(),
  };
}

/** @throws DeliveryFault unless the status says that it was taken. */
export function judge(status: number, host: string): void {
  if (status >= 200 && status < 300) return;
  const passing = status === 408 || status === 425 || status === 429 || status >= 500;
  throw new DeliveryFault(passing ? "unreachable" : "refused", `\`${host}\` answered with status ${status}`);
}

/** Standard Webhooks, "Payload structure": type, timestamp, data. */
function payloadOf({ tenant, entries, details, inbox }: Message, now: Date): object {
  const [first] = entries;
  return {
    type: first === undefined ? "test" : entries.length > 1 ? "digest" : `${first.notice.kind}.${first.what}`,
    timestamp: now.toISOString(),
    data: { tenant, inbox, entries: entries.map((entry) => dataOf(entry, details)) },
  };
}

function dataOf(entry: Entry, details: Message["details"]): object {
  const { notice, what, link } = entry;
  const others = untrustedOf(entry, details);
  return {
    kind: notice.kind,
    what,
    id: notice.id,
    tenant: notice.tenant,
    environment: notice.environment,
    agent: notice.agent,
    scope: notice.scope,
    ...(notice.effect === undefined ? {} : { effect: notice.effect }),
    sentence: notice.sentence,
    heldBy: notice.why,
    state: notice.state,
    expiresAt: notice.expiresAt.toISOString(),
    fingerprint: notice.fingerprint,
    url: link,
    ...(others.length === 0 ? {} : { untrusted: Object.fromEntries(others) }),
  };
}
