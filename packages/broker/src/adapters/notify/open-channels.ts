import { readFileSync } from "node:fs";
import type { NotifyChannel, NotifyConfig } from "../../config/notify-schema.ts";
import { isLoopback } from "../outbound/special-use.ts";
import { reasonOf } from "../export/destination.ts";
import { createGuardedFetch, type GuardedFetchOptions } from "../outbound/guarded-fetch.ts";
import { webhookKey } from "../outbound/standard-webhooks.ts";
import type { MailServer } from "../smtp-tool/deliver.ts";
import type { Channel } from "./channel.ts";
import { emailChannel } from "./email.ts";
import { slackApi, type SlackApi } from "./slack-api.ts";
import { slackChannel } from "./slack.ts";
import type { VapidKeys } from "./vapid.ts";
import { webhookChannel } from "./webhook.ts";
import { webPushChannel } from "./webpush.ts";

/** RFC 6409 section 3.1, RFC 8314 section 3.3. */
const SUBMISSION_PORTS: Readonly<Record<string, number>> = { "smtp:": 587, "smtps:": 465 };
const SMTPS_PORT = 465;

/** A channel cannot begin as `notify.yaml` has it. `message` says what to do. */
export class ChannelError extends Error {
  override readonly name = "ChannelError";
}

export interface ChannelPorts {
  readonly now: () => Date;
  readonly environment: (name: string) => string | undefined;
  readonly vapid: VapidKeys;
  /** For push services. */
  readonly fetchOptions?: GuardedFetchOptions | undefined;
}

/** What answers in Slack need. */
export interface SlackApp {
  readonly api: SlackApi;
  readonly signingSecret: string;
  readonly team: string;
  /** The person of the policy behind an id of Slack. */
  personOf(slackId: string): string | undefined;
}

export interface OpenedChannels {
  readonly channels: ReadonlyMap<string, Channel>;
  readonly slack?: SlackApp | undefined;
}

/** @throws ChannelError when a variable is not set, a secret is none, or a file of certificates cannot be read. */
export function openChannels({ channels }: NotifyConfig, ports: ChannelPorts): OpenedChannels {
  const opened = new Map<string, Channel>();
  let slack: SlackApp | undefined;
  for (const [name, channel] of Object.entries(channels)) {
    if ("slack" in channel) {
      slack = slackApp(name, channel.slack, ports);
      opened.set(name, slackChannel({ api: slack.api, people: channel.slack.people }));
    } else opened.set(name, openChannel(name, channel, ports));
  }
  return { channels: opened, ...(slack === undefined ? {} : { slack }) };
}

function openChannel(name: string, channel: Exclude<NotifyChannel, { slack: unknown }>, ports: ChannelPorts): Channel {
  if ("email" in channel) {
    const { smtp, from, ca } = channel.email;
    return emailChannel({ server: mailServer(name, filled(smtp, name, ports), from, certificates(ca, name)), now: ports.now });
  }
  if ("webpush" in channel)
    return webPushChannel({ keys: ports.vapid, contact: channel.webpush.contact, fetch: createGuardedFetch(ports.fetchOptions) });
  const { url, secret, ca } = channel.webhook;
  const key = webhookKey(filled(secret, name, ports));
  if (key === undefined)
    throw new ChannelError(`the secret of the channel \`${name}\` must be \`whsec_\` and 24 to 64 bytes in base64; make a new one`);
  return webhookChannel({ url: new URL(url), key, now: ports.now, ca: certificates(ca, name) });
}

function slackApp(name: string, config: Extract<NotifyChannel, { slack: unknown }>["slack"], ports: ChannelPorts): SlackApp {
  const { token, signingSecret, team, people, api } = config;
  const host = new URL(api).hostname;
  // The schema lets `http:` pass for this machine alone.
  const own = host === "localhost" || isLoopback(host.replaceAll(/[[\]]/gu, ""));
  const byId = new Map(Object.entries(people).map(([person, id]) => [id, person]));
  return {
    api: slackApi({ api, token: filled(token, name, ports), fetch: createGuardedFetch({ allowLoopback: own, timeoutMs: 10_000 }) }),
    signingSecret: filled(signingSecret, name, ports),
    team,
    personOf: (id) => byId.get(id),
  };
}

function mailServer(name: string, text: string, from: string, ca: string | undefined): MailServer {
  const url = URL.parse(text);
  const port = SUBMISSION_PORTS[url?.protocol ?? ""];
  if (url === null || port === undefined || url.hostname === "" || !/^\/?$/u.test(url.pathname) || url.search !== "" || url.hash !== "")
    throw new ChannelError(`the mail server of the channel \`${name}\` must be \`smtp://user:password@host:port\` or \`smtps://…\``);
  const given = url.port === "" ? port : Number(url.port);
  if (url.protocol === "smtps:" && given !== SMTPS_PORT)
    throw new ChannelError(
      `the channel \`${name}\` has \`smtps:\` with port ${given}; it is port ${SMTPS_PORT}, elsewhere write \`smtp:\`, which takes TLS too`,
    );
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  return {
    host: url.hostname.replaceAll(/[[\]]/gu, ""),
    port: given,
    from,
    login: user === "" ? undefined : { user, password },
    ca,
  };
}

function filled(text: string, channel: string, { environment }: ChannelPorts): string {
  return text.replaceAll(/\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/gu, (_, variable: string) => {
    const value = environment(variable);
    if (value !== undefined && value !== "") return value;
    throw new ChannelError(
      `the channel \`${channel}\` needs the environment variable \`${variable}\`, which is not set; set it and start the broker again`,
    );
  });
}

function certificates(ca: string | undefined, channel: string): string | undefined {
  if (ca === undefined) return undefined;
  try {
    return readFileSync(ca, "utf8");
  } catch (error) {
    throw new ChannelError(`the channel \`${channel}\` cannot read the certificates in \`${ca}\` (${reasonOf(error)}); name a PEM file`, {
      cause: error,
    });
  }
}
