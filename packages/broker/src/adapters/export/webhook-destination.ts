import { createHmac } from "node:crypto";
import { Agent, request } from "undici";
import { bodyOf } from "../../insight/export/formats.ts";
import { type Batch, DeliveryFault, type Destination, reasonOf } from "./destination.ts";

const TIMEOUT_MS = 30_000;
/** Of a request as a whole, in those times: an answer that comes a byte at a time would else hold up the export, and a broker that stops. */
const MAX_TIMEOUTS = 4;
/** Of an answer nothing is used but its status; more than this is not read to keep the connection. */
const MAX_ANSWER_BYTES = 65_536;

export interface WebhookDestinationOptions {
  readonly url: URL;
  readonly now: () => Date;
  readonly headers: Readonly<Record<string, string>>;
  /** The key of Standard Webhooks, decoded. */
  readonly secret?: Uint8Array | undefined;
  readonly ca?: string | undefined;
  /** Default TIMEOUT_MS. */
  readonly timeoutMs?: number;
}

/** Batches by POST. With a secret each is signed as Standard Webhooks has it; the id is the same when a batch is sent again. */
export function webhookDestination(options: WebhookDestinationOptions): Destination {
  const { url, now, headers, secret, ca, timeoutMs = TIMEOUT_MS } = options;
  const agent = new Agent({
    connections: 1,
    connect: { timeout: timeoutMs, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  return {
    wants: "lines",
    deliver: async (batch) => {
      const { type, body } = bodyOf(batch.format, batch.lines);
      const sent = { ...headers, "content-type": type, ...(secret === undefined ? {} : signature(secret, idOf(batch), now(), body)) };
      const status = await post({ url, agent, headers: sent, body, limitMs: MAX_TIMEOUTS * timeoutMs }).catch((error: unknown) => {
        throw new DeliveryFault("unreachable", `\`${url.host}\` cannot be reached: ${reasonOf(error)}`, { cause: error });
      });
      judge(status, url, batch);
    },
  };
}

interface Post {
  readonly url: URL;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly limitMs: number;
}

async function post({ url, agent, headers, body, limitMs }: Post): Promise<number> {
  const signal = AbortSignal.timeout(limitMs);
  const answer = await request(url, { method: "POST", dispatcher: agent, headers, body, signal });
  await answer.body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => undefined);
  return answer.statusCode;
}

/** @throws DeliveryFault unless the status says that the batch was taken. */
function judge(status: number, { host }: URL, { first, last }: Batch): void {
  if (status >= 200 && status < 300) return;
  const what = `records ${first} to ${last}: \`${host}\` answered with status ${status}`;
  if (status === 408 || status === 429 || status >= 500) throw new DeliveryFault("unreachable", what);
  const hint = status < 400 ? "a redirect is not followed, give the final address" : "change what it does not like; the records wait";
  throw new DeliveryFault("refused", `${what}; ${hint}`);
}

/** The batch's place in the log. A full stop would be ambiguous in what is signed. */
function idOf({ tenant, first, last }: Batch): string {
  return `${encodeURIComponent(tenant).replaceAll(".", "%2E")}/${first}-${last}`;
}

/** Standard Webhooks, "Signature scheme": HMAC-SHA-256 over id, seconds and body, joined by full stops. */
function signature(secret: Uint8Array, id: string, now: Date, body: string): Record<string, string> {
  const seconds = Math.floor(now.getTime() / 1000);
  const mac = createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": `v1,${mac}` };
}
