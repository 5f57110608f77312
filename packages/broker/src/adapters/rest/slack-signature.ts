import { createHmac, timingSafeEqual } from "node:crypto";

/** "Verifying requests from Slack": a request older than five minutes is taken for a replay. */
export const SLACK_WINDOW_MS = 5 * 60_000;

/**
 * Whether Slack sent this ("Verifying requests from Slack", version `v0`): HMAC-SHA-256 under the app's signing secret over version, seconds and
 * the very bytes of the body. Compared in constant time.
 */
export function slackSigned(
  request: { readonly signature: string | undefined; readonly timestamp: string | undefined; readonly body: string },
  signingSecret: string,
  now: Date,
): boolean {
  const { signature, timestamp, body } = request;
  if (signature === undefined || timestamp === undefined || !/^[0-9]{1,12}$/u.test(timestamp)) return false;
  if (Math.abs(now.getTime() - Number(timestamp) * 1_000) > SLACK_WINDOW_MS) return false;
  const expected = Buffer.from(`v0=${createHmac("sha256", signingSecret).update(`v0:${timestamp}:${body}`).digest("hex")}`);
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
