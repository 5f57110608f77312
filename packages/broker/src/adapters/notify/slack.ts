import type { Json, JsonObject } from "@bailiwick/policy";
import { DeliveryFault } from "../export/destination.ts";
import type { Addressee, Channel, Entry, Message } from "./channel.ts";
import type { SlackApi } from "./slack-api.ts";
import { factsOf, titleOf, untrustedOf } from "./words.ts";

/** What a button of ours is called in Slack's requests. */
export const SLACK_APPROVE = "bailiwick_approve";
export const SLACK_DENY = "bailiwick_deny";

/** A message has at most 50 blocks, an entry needs up to four (Block Kit reference). */
const MAX_ENTRIES = 10;
/** Of a section's text. */
const MAX_TEXT_CHARS = 2_900;

export interface SlackOptions {
  readonly api: SlackApi;
  /** Person of the policy to their id in Slack. */
  readonly people: Readonly<Record<string, string>>;
}

/** Messages by `chat.postMessage`. Buttons only where a click may answer; everything else is a link to the page. */
export function slackChannel({ api, people }: SlackOptions): Channel {
  const placeOf = (to: Addressee): string => {
    const place = "address" in to ? to.address : people[to.person.id];
    if (place === undefined) throw new DeliveryFault("refused", "the person has no id of Slack in `notify.yaml`");
    return place;
  };
  return {
    kind: "slack",
    reaches: ({ id }) => Object.hasOwn(people, id),
    send: async (message, to) => {
      const { channel, ts } = await api.call("chat.postMessage", { channel: placeOf(to), ...contentOf(message, "open") });
      return channel === undefined || ts === undefined ? undefined : { channel, ts };
    },
    amend: async (message, { channel = "", ts = "" }) => {
      await api.call("chat.update", { channel, ts, ...contentOf(message, "closed") });
    },
    close: () => Promise.resolve(),
  };
}

function contentOf(message: Message, asks: "open" | "closed"): JsonObject {
  const shown = message.entries.slice(0, MAX_ENTRIES);
  const left = message.entries.length - shown.length;
  const blocks: Json[] =
    shown.length === 0
      ? [section("This is a test that somebody asked for. Nothing waits for an answer because of it."), actions([link(message.inbox)])]
      : shown.flatMap((entry) => blocksOf(entry, message, asks));
  if (left > 0) blocks.push(section(`and ${left} more`), actions([link(message.inbox)]));
  return {
    text: escaped(titleOf(message)),
    blocks,
    unfurl_links: false,
    unfurl_media: false,
    metadata: { event_type: "bailiwick_notice", event_payload: { delivery: message.id } },
  };
}

function blocksOf(entry: Entry, message: Message, asks: "open" | "closed"): Json[] {
  const one: Message = { ...message, entries: [entry] };
  const facts = factsOf(entry).map(([name, value]) => `${name}: ${escaped(value)}`);
  const others = untrustedOf(entry, message.details);
  const single = message.entries.length === 1;
  const buttons = asks === "open" && single && entry.notice.open && entry.notice.buttons;
  return [
    section(`*${escaped(titleOf(one))}*\n${facts.join("\n")}`),
    // Plain text: nothing in it is markup, a mention or a link.
    ...others.map(([name, value]) => plain(`${name}:\n${value}`)),
    actions([...(buttons ? answers(entry) : []), link(entry.link)]),
  ];
}

function answers({ notice }: Entry): Json[] {
  const value = JSON.stringify({ tenant: notice.tenant, id: notice.id, fingerprint: notice.fingerprint });
  const sure = (verb: string): JsonObject => ({
    title: text(`${verb} this call?`),
    text: text(`fingerprint ${notice.fingerprint}`),
    confirm: text(verb),
    deny: text("Back"),
  });
  return [
    { type: "button", action_id: SLACK_DENY, text: text("Deny"), value, style: "danger", confirm: sure("Deny") },
    { type: "button", action_id: SLACK_APPROVE, text: text("Approve once"), value, confirm: sure("Approve") },
  ];
}

function link(url: string): JsonObject {
  return { type: "button", action_id: "bailiwick_open", text: text("Open the page"), url };
}

function section(mrkdwn: string): JsonObject {
  return { type: "section", text: { type: "mrkdwn", text: mrkdwn.slice(0, MAX_TEXT_CHARS), verbatim: true } };
}

function plain(words: string): JsonObject {
  return { type: "section", text: { type: "plain_text", text: words.slice(0, MAX_TEXT_CHARS), emoji: false } };
}

function actions(elements: Json[]): JsonObject {
  return { type: "actions", elements };
}

function text(words: string): JsonObject {
  return { type: "plain_text", text: words, emoji: false };
}

/** Slack's three control characters ("Formatting text for app surfaces", "Escaping text"). */
function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
