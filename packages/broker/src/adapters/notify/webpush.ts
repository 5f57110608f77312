import webPush from "web-push";
import { DeliveryFault } from "../export/destination.ts";
import { FetchRefused, type GuardedFetch } from "../outbound/guarded-fetch.ts";
import { type Channel, GoneFault, type Message } from "./channel.ts";
import type { VapidKeys } from "./vapid.ts";
import { judge } from "./webhook.ts";
import { titleOf } from "./words.ts";

/** How long a push service keeps it for a browser that is off. */
const TTL_SECONDS = 3_600;
/** RFC 8030 section 5.4: at most 32 characters of base64url. */
const MAX_TOPIC_CHARS = 32;

export interface WebPushOptions {
  readonly keys: VapidKeys;
  readonly contact: string;
  /** The endpoint was chosen by a browser. */
  readonly fetch: GuardedFetch;
}

/** Web push: encrypted to the browser (RFC 8291), signed by the broker (RFC 8292). The push service learns that something was sent, and when. */
export function webPushChannel({ keys, contact, fetch }: WebPushOptions): Channel {
  return {
    kind: "webpush",
    reaches: () => true,
    send: async (message, to) => {
      const subscription = "person" in to ? to.subscription : undefined;
      if (subscription === undefined) throw new GoneFault("the browser is no longer subscribed");
      const { endpoint, headers, body } = webPush.generateRequestDetails(subscription, JSON.stringify(payloadOf(message)), {
        vapidDetails: { subject: contact, publicKey: keys.publicKey, privateKey: keys.privateKey },
        TTL: TTL_SECONDS,
        urgency: "high",
        topic: message.id.slice(0, MAX_TOPIC_CHARS),
        contentEncoding: "aes128gcm",
      });
      const status = await post(fetch, endpoint, headers, body);
      if (status === 404 || status === 410) throw new GoneFault(`\`${new URL(endpoint).host}\` no longer knows the browser`);
      judge(status, new URL(endpoint).host);
      return undefined;
    },
    close: () => Promise.resolve(),
  };
}

async function post(fetch: GuardedFetch, endpoint: string, headers: Readonly<Record<string, unknown>>, body: Uint8Array): Promise<number> {
  try {
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    return (await fetch(endpoint, { method: "POST", headers: sent, body, anyType: true })).status;
  } catch (error) {
    if (!(error instanceof FetchRefused)) throw error;
    const final = error.code === "url_refused" || error.code === "address_refused" || error.code === "redirect_refused";
    throw new DeliveryFault(final ? "refused" : "unreachable", error.message, { cause: error });
  }
}

/** What `push-worker.js` shows. The address is a path: the worker opens nothing elsewhere. */
function payloadOf(message: Message): object {
  const [first, ...more] = message.entries;
  const page = first === undefined || more.length > 0 ? message.inbox : first.link;
  return {
    title: titleOf({ ...message, entries: more.length > 0 ? message.entries : message.entries.slice(0, 1) }),
    body: first === undefined || more.length > 0 ? "open the broker's page" : `fingerprint ${first.notice.fingerprint}`,
    path: new URL(page).pathname,
    tag: message.id,
  };
}
