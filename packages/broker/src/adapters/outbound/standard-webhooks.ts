import { createHmac } from "node:crypto";
import { Agent, request } from "undici";

/** Of an answer nothing is used but its status; more than this is not read to keep the connection. */
const MAX_ANSWER_BYTES = 65_536;

/** Standard Webhooks, "Signature scheme": `whsec_` and 24 to 64 bytes in base64. Undefined when it is none. */
export function webhookKey(text: string): Uint8Array | undefined {
  const key = /^whsec_([A-Za-z0-9+/]+=*)$/u.exec(text)?.[1];
  const bytes = Buffer.from(key ?? "", "base64");
  return bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
}

/** Standard Webhooks, "Signature scheme": HMAC-SHA-256 over id, seconds and body, joined by full stops. `id` has no full stop. */
export function webhookSignature(key: Uint8Array, id: string, now: Date, body: string): Record<string, string> {
  const seconds = Math.floor(now.getTime() / 1000);
  const mac = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": `v1,${mac}` };
}

/** One connection to a webhook, kept between requests. Redirects are not followed. */
export function webhookAgent(timeoutMs: number, ca: string | undefined): Agent {
  return new Agent({
    connections: 1,
    connect: { timeout: timeoutMs, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
}

/** Returns the status of the answer. `limitMs` is for the request as a whole: an answer that comes a byte at a time would else hold it up. */
export async function postWebhook(post: {
  readonly url: URL;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly limitMs: number;
}): Promise<number> {
  const { url, agent, headers, body, limitMs } = post;
  const signal = AbortSignal.timeout(limitMs);
  const answer = await request(url, { method: "POST", dispatcher: agent, headers, body, signal });
  await answer.body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => undefined);
  return answer.statusCode;
}
