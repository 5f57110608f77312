import { createHmac, hash } from "node:crypto";
import { type Anchor, AnchorFault } from "../../domain/anchor.ts";
import { parseCheckpointText, parseSignedNote } from "@bailiwick/ledger";
import { boundedRequest } from "./bounded-request.ts";

/** Bytes of a secret (Standard Webhooks, "Signature scheme"). */
const SECRET_BYTES = { min: 24, max: 64 } as const;

export interface WebhookOptions {
  readonly url: string;
  /** `whsec_` and 24 to 64 bytes in base64. */
  readonly secret: string;
  now(): Date;
}

/**
 * Sends each checkpoint to an address, signed as Standard Webhooks says (`v1`, HMAC-SHA256). It cannot be asked what it holds: whoever keeps
 * the messages compares them.
 * @throws AnchorFault `refused` when the secret is none; it is never repeated.
 */
export function webhookAnchor({ url, secret, now }: WebhookOptions): Anchor {
  const key = secretBytes(secret);
  const host = URL.parse(url)?.host ?? "";
  return {
    name: `webhook ${host}`,
    kind: "webhook",
    newest: () => Promise.resolve(undefined),
    async publish(origin, { size, note }) {
      // The same for each attempt and each broker, so that a receiver can drop what it has.
      const id = `msg_${hash("sha256", `${origin}\n${size}\n${rootOf(note)}`, "base64url")}`;
      const at = now();
      const timestamp = String(Math.floor(at.getTime() / 1000));
      const body = JSON.stringify({ type: "log.checkpoint", timestamp: at.toISOString(), data: { origin, size, note } });
      const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
      const { status } = await boundedRequest({
        method: "POST",
        url,
        headers: {
          "content-type": "application/json",
          "webhook-id": id,
          "webhook-timestamp": timestamp,
          "webhook-signature": `v1,${signature}`,
        },
        body,
      });
      if (status >= 200 && status < 300) return [];
      const passes = status >= 500 || status === 429 || status === 408;
      throw new AnchorFault(
        passes ? "unreachable" : "refused",
        `the webhook at \`${host}\` answered ${status}; check its address and that it knows the secret`,
      );
    },
  };
}

function rootOf(note: string): string {
  return Buffer.from(parseCheckpointText(parseSignedNote(note).text).root).toString("base64");
}

function secretBytes(secret: string): Buffer {
  const text = secret.startsWith("whsec_") ? secret.slice("whsec_".length) : "";
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text || bytes.byteLength < SECRET_BYTES.min || bytes.byteLength > SECRET_BYTES.max)
    throw new AnchorFault(
      "refused",
      "the secret of a webhook is `whsec_` and 24 to 64 bytes in base64; make one with `echo whsec_$(openssl rand -base64 32)`",
    );
  return bytes;
}
