import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "@bailiwick/policy";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChannelError, openChannels } from "../../src/adapters/notify/open-channels.ts";
import { quietUntil } from "../../src/adapters/notify/quiet-hours.ts";
import { backoffMs } from "../../src/adapters/notify/send.ts";
import { vapidKeys } from "../../src/adapters/notify/vapid.ts";
import { harmless } from "../../src/adapters/notify/words.ts";
import { notifySchema } from "../../src/config/notify-schema.ts";
import { NotifyConfigError, readNotifyConfig, requireNames } from "../../src/notify-config.ts";
import { company, companyFiles } from "../people-support/company.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bailiwick-notify-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const FULL = `
channels:
  mail: { email: { smtp: "\${env:SMTP_URL}", from: bailiwick@acme.example } }
  chat: { slack: { token: "\${env:SLACK_TOKEN}", signingSecret: "\${env:SLACK_SECRET}", team: T0ACME, people: { lena: U0LENA } } }
  push: { webpush: { contact: "mailto:ops@acme.example" } }
  hook: { webhook: { url: https://hooks.example/bailiwick, secret: "\${env:HOOK_SECRET}" } }
routes:
  - name: night
    on: { tenants: [acme], kind: [approval], what: [pending, escalated], scope: ["tickets:*"], effect: [pay], environments: [prod] }
    to:
      - { channel: mail, people: approvers }
      - { channel: mail, roles: [owner] }
      - { channel: chat, address: C0APPROVE }
      - { channel: push, people: approvers }
      - { channel: hook }
    quiet: { from: "22:00", to: "07:00", zone: Europe/Berlin, except: [pay], afterwards: digest }
    remind: 10m
    details: full
tries: 5
`;

const MAIL = { email: { smtp: "${env:S}", from: "b@acme.example" } };
const HOOK = { webhook: { url: "https://hooks.example/x", secret: "${env:S}" } };
const CHAT = { slack: { token: "${env:S}", signingSecret: "${env:S}", team: "T0ACME" } };
const PUSH = { webpush: { contact: "mailto:o@acme.example" } };

function problems(config: unknown): string {
  const parsed = notifySchema.safeParse(config);
  return parsed.success ? "" : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
}

function routed(to: unknown, channels: object = { mail: MAIL, hook: HOOK, chat: CHAT, push: PUSH }, more: object = {}): unknown {
  return { channels, routes: [{ name: "r", to: [to], ...more }] };
}

describe("notify.yaml", () => {
  test("is read as the guide writes it, and is a file that the policy folder may hold", async () => {
    await writeFile(join(folder, "notify.yaml"), FULL);
    const config = await readNotifyConfig(folder);
    expect(config).toMatchObject({ tries: 5, routes: [{ remind: 600_000, details: "full" }] });
    expect(() => requireNames(config, company)).not.toThrow();
    expect(load([...companyFiles, { path: "notify.yaml", text: FULL }]).ok).toBe(true);
  });

  test("that is missing tells nobody", async () => {
    expect(await readNotifyConfig(join(folder, "elsewhere"))).toEqual({ channels: {}, routes: [], tries: 8 });
  });

  test("that is no YAML, or knows a member too many, is refused with its path", async () => {
    await writeFile(join(folder, "notify.yaml"), "channels: [");
    await expect(readNotifyConfig(folder)).rejects.toThrow(NotifyConfigError);
    await writeFile(join(folder, "notify.yaml"), "colour: red");
    await expect(readNotifyConfig(folder)).rejects.toThrow(/colour/u);
  });

  test.each<readonly [string, unknown, RegExp]>([
    ["a channel that is not there", routed({ channel: "pigeon", people: "approvers" }), /names the channel `pigeon`/u],
    ["a webhook for people", routed({ channel: "hook", people: "approvers" }), /a webhook has one address/u],
    ["mail to nobody", routed({ channel: "mail" }), /must say whom/u],
    ["push to an address", routed({ channel: "push", address: "x" }), /browsers belong to somebody/u],
    ["mail to two addresses", routed({ channel: "mail", address: "a@x.example, b@x.example" }), /one plain mail address/u],
    ["Slack by name", routed({ channel: "chat", address: "#general" }), /id of a channel/u],
    [
      "a password in the policy folder",
      { channels: { mail: { email: { ...MAIL.email, smtp: "smtp://u:p@h" } } } },
      /no place in the policy folder/u,
    ],
    ["a webhook without TLS", { channels: { hook: { webhook: { ...HOOK.webhook, url: "http://hooks.example/" } } } }, /https/u],
    ["two of Slack", { channels: { a: CHAT, b: CHAT } }, /one workspace/u],
    ["one Slack id for two", { channels: { a: { slack: { ...CHAT.slack, people: { x: "U1", y: "U1" } } } } }, /two people one id/u],
    [
      "two routes of one name",
      { channels: { hook: HOOK }, routes: [1, 2].map(() => ({ name: "r", to: [{ channel: "hook" }] })) },
      /another route/u,
    ],
    [
      "a zone that is none",
      routed({ channel: "hook" }, { hook: HOOK }, { quiet: { from: "22:00", to: "07:00", zone: "Mars/Base" } }),
      /time zone/u,
    ],
    [
      "hours without end",
      routed({ channel: "hook" }, { hook: HOOK }, { quiet: { from: "22:00", to: "22:00", zone: "UTC" } }),
      /begin and end/u,
    ],
    ["a pattern in the middle", routed({ channel: "hook" }, { hook: HOOK }, { on: { scope: ["*:read"] } }), /scope/u],
  ])("with %s is refused", (_, config, message) => {
    expect(problems(config)).toMatch(message);
  });

  test.each<readonly [string, object, RegExp]>([
    ["tenant", { on: { tenants: ["initech"] } }, /tenant `initech`/u],
    ["environment", { on: { environments: ["moon"] } }, /environment `moon`/u],
    ["role", { to: [{ channel: "mail", roles: ["wizard"] }] }, /role `wizard`/u],
  ])("that names a %s the policy does not have is refused", (_, route, message) => {
    const config = notifySchema.parse({
      channels: { mail: MAIL },
      routes: [{ name: "r", to: [{ channel: "mail", people: "approvers" }], ...route }],
    });
    expect(() => requireNames(config, company)).toThrow(message);
  });

  test("that names a stranger for Slack is refused", () => {
    const config = notifySchema.parse({ channels: { chat: { slack: { ...CHAT.slack, people: { mallory: "U1" } } } } });
    expect(() => requireNames(config, company)).toThrow(/mallory/u);
  });

  test.each<readonly [string, object, string, RegExp]>([
    ["a variable that is not set", { mail: MAIL }, "", /environment variable `S`/u],
    ["a mail server that is no address", { mail: MAIL }, "mail.example", /smtp:\/\//u],
    ["TLS from the start on another port than 465", { mail: MAIL }, "smtps://mail.example:587", /it is port 465/u],
    ["a secret that is none", { hook: HOOK }, "hunter2", /whsec_/u],
    ["certificates that are not there", { mail: { email: { ...MAIL.email, ca: "/nowhere.pem" } } }, "smtp://mail.example", /nowhere\.pem/u],
  ])("with %s does not begin, and the value stands in no message", (_, channels, value, message) => {
    const open = (): unknown =>
      openChannels(notifySchema.parse({ channels }), {
        now: () => new Date(),
        environment: () => value,
        vapid: vapidKeys(new Uint8Array(32)),
      });
    expect(open).toThrow(ChannelError);
    expect(open).toThrow(message);
    if (value === "hunter2") expect(open).not.toThrow(/hunter2/u);
  });
});

describe("quiet hours", () => {
  const minute = (zone: string, at: Date): string =>
    new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);

  test("end at their time of day in their zone, less than a day later, whatever the clocks do", () => {
    const clock = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((parts) => parts.map((each) => String(each).padStart(2, "0")).join(":"));
    const at = fc.date({ min: new Date("2025-01-01T00:00:00Z"), max: new Date("2029-01-01T00:00:00Z"), noInvalidDate: true });
    // Hours that no change of clocks leaves out.
    const zone = fc.constantFrom("UTC", "Asia/Kolkata", "Asia/Tokyo");
    fc.assert(
      fc.property(clock, clock, zone, at, (from, to, where, when) => {
        fc.pre(from !== to);
        const end = quietUntil({ from, to, zone: where }, when);
        const local = minute(where, when);
        const inside = from < to ? local >= from && local < to : local >= from || local < to;
        expect(end !== undefined).toBe(inside);
        if (end === undefined) return;
        expect(minute(where, end)).toBe(to);
        expect(end > when && end.getTime() - when.getTime() <= 86_400_000).toBe(true);
        expect(quietUntil({ from, to, zone: where }, end)).toBeUndefined();
      }),
    );
  });

  test.each([
    ["2027-03-27T22:30:00Z", "2027-03-28T05:00:00Z"],
    ["2027-10-30T21:30:00Z", "2027-10-31T06:00:00Z"],
    ["2027-07-01T20:00:00Z", "2027-07-02T05:00:00Z"],
  ])("of Berlin that begin before %s end at %s, also in the nights clocks change", (at, end) => {
    expect(quietUntil({ from: "22:00", to: "07:00", zone: "Europe/Berlin" }, new Date(at))?.toISOString()).toBe(
      new Date(end).toISOString(),
    );
  });
});

test("attempts come later each time, spread by half, and at most an hour apart", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempts, random) => {
      const full = Math.min(5_000 * 2 ** (attempts - 1), 3_600_000);
      const wait = backoffMs(attempts, random);
      expect(wait).toBeGreaterThanOrEqual(Math.floor(full / 2));
      expect(wait).toBeLessThanOrEqual(full);
    }),
  );
});

test("words of others show no link, no control character and nothing that reorders", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      const shown = harmless(`${text}https://x.example/\u202Ewww.y.example\u2028`);
      expect(shown).not.toMatch(/:\/\/|www\.|[^\P{C}\n]|[\p{Zl}\p{Zp}]/u);
    }),
  );
});
