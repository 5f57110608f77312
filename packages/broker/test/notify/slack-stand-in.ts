import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";

export const SLACK_TOKEN = "xoxb-test-token";
export const SLACK_SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
export const SLACK_TEAM = "T0ACME";

const plain = (max: number): z.ZodObject =>
  z.strictObject({ type: z.literal("plain_text"), text: z.string().min(1).max(max), emoji: z.boolean().optional() });
const confirm = z.strictObject({ title: plain(100), text: plain(300), confirm: plain(30), deny: plain(30) });
const button = z.strictObject({
  type: z.literal("button"),
  action_id: z.string().min(1).max(255),
  text: plain(75),
  url: z.url().max(3_000).optional(),
  value: z.string().max(2_000).optional(),
  style: z.enum(["primary", "danger"]).optional(),
  confirm: confirm.optional(),
});
const block = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("section"),
    text: z.union([
      z.strictObject({ type: z.literal("mrkdwn"), text: z.string().min(1).max(3_000), verbatim: z.boolean().optional() }),
      plain(3_000),
    ]),
  }),
  z.strictObject({ type: z.literal("actions"), elements: z.array(button).min(1).max(25) }),
]);
/** Block Kit as documented: blocks and elements that are used here, with their limits. */
const content = {
  text: z.string().min(1).max(40_000),
  blocks: z.array(block).max(50),
  unfurl_links: z.boolean(),
  unfurl_media: z.boolean(),
  metadata: z.strictObject({ event_type: z.string(), event_payload: z.record(z.string(), z.string()) }),
};
const methods = {
  "/api/chat.postMessage": z.strictObject({ channel: z.string(), ...content }),
  "/api/chat.update": z.strictObject({ channel: z.string(), ts: z.string(), ...content }),
  "/api/chat.postEphemeral": z.strictObject({ channel: z.string(), user: z.string(), text: z.string() }),
};

export interface SlackCall {
  readonly method: string;
  readonly body: {
    readonly channel: string;
    readonly ts?: string | undefined;
    readonly text: string;
    readonly user?: string | undefined;
    readonly blocks?: readonly z.output<typeof block>[] | undefined;
    readonly metadata?: { readonly event_payload: Readonly<Record<string, string>> } | undefined;
  };
}

export interface SlackStandIn {
  readonly api: string;
  readonly calls: SlackCall[];
  /** Answers of the next calls, in order: an error of Slack, or a status. */
  readonly next: (string | number)[];
  close(): Promise<void>;
}

/** What Slack's documentation says of three methods, checked strictly. Slack itself cannot be asked here. */
export async function slackStandIn(): Promise<SlackStandIn> {
  const calls: SlackCall[] = [];
  const next: (string | number)[] = [];
  let sent = 0;
  const server = createServer((request, response) => {
    void text(request).then((raw) => {
      const answer = (value: object, status = 200): void =>
        void response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
      const planned = next.shift();
      if (typeof planned === "number") return answer({}, planned);
      if (request.method !== "POST" || request.headers["content-type"] !== "application/json; charset=utf-8")
        return answer({ ok: false, error: "invalid_post_type" });
      if (request.headers.authorization !== `Bearer ${SLACK_TOKEN}`) return answer({ ok: false, error: "invalid_auth" });
      if (planned !== undefined) return answer({ ok: false, error: planned });
      const schema = Object.entries(methods).find(([path]) => path === request.url)?.[1];
      if (schema === undefined) return answer({ ok: false, error: "unknown_method" });
      const parsed = schema.safeParse(JSON.parse(raw));
      if (!parsed.success) return answer({ ok: false, error: "invalid_blocks" });
      calls.push({ method: request.url?.slice("/api/".length) ?? "", body: parsed.data });
      sent += 1;
      // A message to a person lands in the conversation with them.
      const channel = parsed.data.channel.startsWith("U") ? `D${parsed.data.channel.slice(1)}` : parsed.data.channel;
      return answer({ ok: true, channel, ts: `1700000000.${String(sent).padStart(6, "0")}` });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    api: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    calls,
    next,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A click as Slack would send it, signed ("Verifying requests from Slack"). */
export function slackClick(
  click: {
    readonly action: string;
    readonly value: string | undefined;
    readonly user: string;
    readonly team?: string;
    readonly userTeam?: string;
    readonly channel?: string;
  },
  signed: { readonly at: Date; readonly secret?: string },
): { readonly body: string; readonly headers: Record<string, string> } {
  const team = click.team ?? SLACK_TEAM;
  const payload = {
    type: "block_actions",
    team: { id: team, domain: "acme" },
    user: { id: click.user, username: "somebody", team_id: click.userTeam ?? team },
    api_app_id: "A02",
    container: { type: "message", message_ts: "1700000000.000001", channel_id: click.channel ?? "C0APPROVE" },
    channel: { id: click.channel ?? "C0APPROVE", name: "approvals" },
    trigger_id: "12466734323.1395872398",
    response_url: "https://hooks.slack.com/actions/T0ACME/1/x",
    actions: [{ type: "button", action_id: click.action, block_id: "b", value: click.value, action_ts: "1700000001.1" }],
  };
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const seconds = String(Math.floor(signed.at.getTime() / 1_000));
  const mac = createHmac("sha256", signed.secret ?? SLACK_SIGNING_SECRET)
    .update(`v0:${seconds}:${body}`)
    .digest("hex");
  return {
    body,
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": seconds,
      "x-slack-signature": `v0=${mac}`,
    },
  };
}
