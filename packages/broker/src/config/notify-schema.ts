import { z } from "zod";
import { NEWS } from "../domain/notification.ts";

const NAME = /^[a-z][a-z0-9_-]{0,62}$/u;
const ENVIRONMENT_REFERENCE = /^\$\{env:[A-Za-z_][A-Za-z0-9_]*\}$/u;
const MAIL_ADDRESS = /^[^\s@<>,;:"()[\]\\]{1,64}@[A-Za-z0-9.-]{1,255}$/u;
const SLACK_ID = /^[A-Z0-9]{2,32}$/u;
const EFFECTS = ["read", "write", "delete", "send", "pay", "export", "grant", "execute"] as const;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

const name = z.string().regex(NAME, { error: "must be small letters, digits, `-` and `_`" });
const secret = z.string().regex(ENVIRONMENT_REFERENCE, { error: "must be `${env:NAME}`: a secret has no place in the policy folder" });
const mailAddress = z.string().regex(MAIL_ADDRESS, { error: "must be one plain mail address" });
const slackId = z.string().regex(SLACK_ID, { error: "must be an id of Slack, such as `U012AB3CD`" });
const clock = z.string().regex(/^(?:[01][0-9]|2[0-3]):[0-5][0-9]$/u, { error: "must be a time of day, such as `22:00`" });
const zone = z.string().refine(isZone, { error: "must be a time zone, such as `Europe/Berlin`" });
const span = z
  .string()
  .regex(/^[1-9][0-9]{0,4}[smh]$/u, { error: "must be a time span, such as `10m`" })
  .transform((text) => Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? 0));
/** `http:` is for this machine itself. */
const httpsUrl = z.string().max(2_048).refine(isSafeUrl, { error: "must be an `https:` address without a password and fragment" });

const channel = z.union([
  z.strictObject({
    email: z.strictObject({
      /** `smtp://user:password@host:587` or `smtps://…`. */
      smtp: secret,
      from: mailAddress,
      /** PEM file of authorities that are trusted beside the system's. */
      ca: z.string().min(1).exactOptional(),
    }),
  }),
  z.strictObject({
    slack: z.strictObject({
      token: secret,
      signingSecret: secret,
      /** Id of the workspace; requests of another are refused. */
      team: slackId,
      /** Person of the policy to their id there. */
      people: z.record(z.string(), slackId).default({}),
      /** Address of the Web API. */
      api: httpsUrl.default("https://slack.com/api"),
    }),
  }),
  z.strictObject({
    webpush: z.strictObject({
      /** Whom a push service asks when something is wrong (RFC 8292 section 2.1). */
      contact: z.string().regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/u, { error: "must be `mailto:…` or `https://…`" }),
    }),
  }),
  z.strictObject({
    webhook: z.strictObject({
      url: httpsUrl,
      /** Standard Webhooks, `whsec_…`. */
      secret,
      ca: z.string().min(1).exactOptional(),
    }),
  }),
]);

const target = z.union([
  z.strictObject({ channel: name, people: z.literal("approvers") }),
  z.strictObject({ channel: name, roles: z.array(z.string().min(1)).min(1) }),
  z.strictObject({ channel: name, address: z.string().min(1).max(320) }),
  z.strictObject({ channel: name }),
]);

const route = z.strictObject({
  name,
  on: z
    .strictObject({
      tenants: z.array(z.string()).min(1).exactOptional(),
      kind: z
        .array(z.enum(["approval", "elevation"]))
        .min(1)
        .exactOptional(),
      what: z.array(z.enum(NEWS)).min(1).default(["pending", "escalated"]),
      /** `tickets:update`, or `tickets:*`. */
      scope: z
        .array(z.string().regex(/^[^*\s]+\*?$/u, { error: "must be a scope, or its beginning and `*`" }))
        .min(1)
        .exactOptional(),
      effect: z.array(z.enum(EFFECTS)).min(1).exactOptional(),
      environments: z.array(z.string()).min(1).exactOptional(),
    })
    .prefault({}),
  to: z.array(target).min(1).max(20),
  /** Tells them once more when nobody has answered by then. */
  remind: span.exactOptional(),
  quiet: z
    .strictObject({
      from: clock,
      to: clock,
      zone,
      /** Effects that come through. */
      except: z.array(z.enum(EFFECTS)).default([]),
      /** What comes when they end: each message, or one with all of them. */
      afterwards: z.enum(["each", "digest"]).default("each"),
    })
    .refine(({ from, to }) => from !== to, { error: "must not begin and end at the same time" })
    .exactOptional(),
  /** `full` adds arguments, people's names and the agent's own words. */
  details: z.enum(["short", "full"]).default("short"),
});

/** `notify.yaml`: who hears of held calls and elevations, and how. */
export const notifySchema = z
  .strictObject({
    channels: z.record(name, channel).default({}),
    routes: z.array(route).max(64).default([]),
    /** Attempts before a delivery is given up. */
    tries: z.int().min(1).max(20).default(8),
  })
  .superRefine(({ channels, routes }, context) => {
    const names = routes.map(({ name: own }) => own);
    for (const [index, each] of routes.entries()) {
      if (names.indexOf(each.name) < index)
        context.addIssue({ code: "custom", path: ["routes", index, "name"], message: "is the name of another route; choose another" });
      for (const [place, to] of each.to.entries()) {
        const message = targetProblem(channels[to.channel], to);
        if (message !== undefined) context.addIssue({ code: "custom", path: ["routes", index, "to", place], message });
      }
    }
    if (Object.values(channels).filter((each) => "slack" in each).length > 1)
      context.addIssue({ code: "custom", path: ["channels"], message: "has two of Slack; one workspace is all a broker speaks to" });
    if (Object.values(channels).filter((each) => "webpush" in each).length > 1)
      context.addIssue({ code: "custom", path: ["channels"], message: "has two of web push; one is enough" });
    for (const [own, each] of Object.entries(channels)) {
      const ids = "slack" in each ? Object.values(each.slack.people) : [];
      if (new Set(ids).size < ids.length)
        context.addIssue({ code: "custom", path: ["channels", own, "slack", "people"], message: "gives two people one id of Slack" });
    }
  });

export type NotifyConfig = z.output<typeof notifySchema>;
export type NotifyChannel = NotifyConfig["channels"][string];
export type NotifyRoute = NotifyConfig["routes"][number];
export type NotifyTarget = NotifyRoute["to"][number];
export type QuietHours = NonNullable<NotifyRoute["quiet"]>;

function targetProblem(named: NotifyChannel | undefined, to: NotifyTarget): string | undefined {
  if (named === undefined) return `names the channel \`${to.channel}\`, which is not under \`channels\``;
  const whole = !("people" in to) && !("roles" in to) && !("address" in to);
  if ("webhook" in named) return whole ? undefined : "must be the channel alone: a webhook has one address";
  if (whole) return "must say whom: `people: approvers`, `roles: [...]` or `address`";
  if (!("address" in to)) return undefined;
  if ("webpush" in named) return "must name people: browsers belong to somebody";
  if ("email" in named && !MAIL_ADDRESS.test(to.address)) return "must have one plain mail address as `address`";
  if ("slack" in named && !SLACK_ID.test(to.address)) return "must have the id of a channel or person as `address`, such as `C012AB3CD`";
  return undefined;
}

function isZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

function isSafeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "" || url.hash !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && /^(?:localhost|127\.0\.0\.1|\[::1\])$/u.test(url.hostname));
}
