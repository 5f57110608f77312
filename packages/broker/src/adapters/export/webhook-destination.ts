import { bodyOf } from "../../insight/export/formats.ts";
import { postWebhook, webhookAgent, webhookSignature } from "../outbound/standard-webhooks.ts";
import { type Batch, DeliveryFault, type Destination, reasonOf } from "./destination.ts";

const TIMEOUT_MS = 30_000;
/** Of a request as a whole, in those times: an answer that comes a byte at a time would else hold up the export, and a broker that stops. */
const MAX_TIMEOUTS = 4;

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
  const agent = webhookAgent(timeoutMs, ca);
  return {
    wants: "lines",
    deliver: async (batch) => {
      const { type, body } = bodyOf(batch.format, batch.lines);
      const sent = {
        ...headers,
        "content-type": type,
        ...(secret === undefined ? {} : webhookSignature(secret, idOf(batch), now(), body)),
      };
      const status = await postWebhook({ url, agent, headers: sent, body, limitMs: MAX_TIMEOUTS * timeoutMs }).catch((error: unknown) => {
        throw new DeliveryFault("unreachable", `\`${url.host}\` cannot be reached: ${reasonOf(error)}`, { cause: error });
      });
      judge(status, url, batch);
    },
  };
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
