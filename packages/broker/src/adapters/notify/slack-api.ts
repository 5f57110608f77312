import { z } from "zod";
import type { JsonObject } from "@bailiwick/policy";
import { DeliveryFault } from "../export/destination.ts";
import { FetchRefused, type GuardedFetch } from "../outbound/guarded-fetch.ts";

const answerSchema = z.looseObject({
  ok: z.boolean(),
  error: z.string().optional(),
  channel: z.string().optional(),
  ts: z.string().optional(),
});

/** Errors of Slack that pass by themselves; every other needs somebody who changes something. */
const PASSING = new Set([
  "ratelimited",
  "rate_limited",
  "internal_error",
  "fatal_error",
  "service_unavailable",
  "request_timeout",
  "team_added_to_org",
]);

export interface SlackApi {
  /** @throws DeliveryFault */
  call(
    method: "chat.postMessage" | "chat.update" | "chat.postEphemeral",
    body: JsonObject,
  ): Promise<{ readonly channel?: string | undefined; readonly ts?: string | undefined }>;
}

/** Slack's Web API: JSON by POST, `ok` says whether it worked. */
export function slackApi({ api, token, fetch }: { readonly api: string; readonly token: string; readonly fetch: GuardedFetch }): SlackApi {
  return {
    call: async (method, body) => {
      const answer = await fetch(`${api}/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json; charset=utf-8", authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
        anyType: true,
      }).catch((error: unknown) => {
        throw new DeliveryFault("unreachable", error instanceof FetchRefused ? error.message : "Slack cannot be reached", { cause: error });
      });
      if (answer.status === 429 || answer.status >= 500)
        throw new DeliveryFault("unreachable", `Slack answered with status ${answer.status}`);
      const parsed = answerSchema.safeParse(await answer.json().catch(() => undefined));
      if (!parsed.success) throw new DeliveryFault("refused", `Slack answered \`${method}\` with status ${answer.status} and no result`);
      const { ok, error = "unknown", channel, ts } = parsed.data;
      if (!ok) throw new DeliveryFault(PASSING.has(error) ? "unreachable" : "refused", `Slack refused \`${method}\`: ${word(error)}`);
      return { channel, ts };
    },
  };
}

/** Error codes of Slack are words with underscores; anything else is not repeated. */
function word(error: string): string {
  return /^[a-z0-9_]{1,64}$/u.test(error) ? error : "an error it did not name";
}
