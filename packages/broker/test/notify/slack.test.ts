import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRestApp } from "../../src/adapters/rest/app.ts";
import { slackSigned } from "../../src/adapters/rest/slack-signature.ts";
import { noticeOfApproval } from "../../src/domain/notice.ts";
import { openRestHouse, PUBLIC_URL, type RestHouse } from "../people-support/rest.ts";
import { saidBy } from "../support/said.ts";
import { type NotifyHouse, openNotifyHouse } from "./house.ts";
import { SLACK_SIGNING_SECRET, SLACK_TEAM, SLACK_TOKEN, slackClick, type SlackStandIn, slackStandIn } from "./slack-stand-in.ts";

const cleanups: (() => Promise<unknown>)[] = [];
let slack: SlackStandIn;
let rest: RestHouse;
let house: NotifyHouse;
let app: ReturnType<typeof createRestApp>;

beforeEach(async () => {
  slack = await slackStandIn();
  cleanups.push(() => slack.close());
  rest = await openRestHouse();
  cleanups.push(() => rest.close());
  house = await openNotifyHouse(
    {
      channels: {
        chat: {
          slack: {
            token: "${env:SLACK_TOKEN}",
            signingSecret: "${env:SLACK_SECRET}",
            team: SLACK_TEAM,
            people: { lena: "U0LENA", ana: "U0ANA", greta: "U0GRETA", rudi: "U0RUDI" },
            api: slack.api,
          },
        },
      },
      routes: [
        {
          name: "held",
          to: [
            { channel: "chat", people: "approvers" },
            { channel: "chat", address: "C0APPROVE" },
          ],
        },
      ],
    },
    { environment: { SLACK_TOKEN, SLACK_SECRET: SLACK_SIGNING_SECRET }, store: rest.store },
  );
  cleanups.push(() => house.close());
  app = createRestApp({ ...rest.ports, notifications: house.notifying.access });
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Click {
  readonly action?: "bailiwick_approve" | "bailiwick_deny" | "bailiwick_open";
  readonly user?: string;
  readonly team?: string;
  /** The workspace of whoever clicks, when it is another than the message's. */
  readonly userTeam?: string;
  readonly value?: string;
  /** How far off Slack's clock was. */
  readonly offMs?: number;
  readonly secret?: string;
}

/** The value of the buttons of the last message that has some. */
function valueShown(): string | undefined {
  const buttons = slack.calls.flatMap(({ body }) => body.blocks ?? []).flatMap((each) => (each.type === "actions" ? each.elements : []));
  return buttons.findLast(({ value }) => value !== undefined)?.value;
}

async function click({
  action = "bailiwick_approve",
  user = "U0LENA",
  value = valueShown(),
  team,
  userTeam,
  offMs = 0,
  secret,
}: Click = {}): Promise<number> {
  const { body, headers } = slackClick(
    { action, value, user, ...(team === undefined ? {} : { team }), ...(userTeam === undefined ? {} : { userTeam }) },
    { at: new Date(Date.now() + offMs), ...(secret === undefined ? {} : { secret }) },
  );
  return (await app.request("/slack/interactions", { method: "POST", body, headers })).status;
}

function ephemeral(): readonly string[] {
  return slack.calls.filter(({ method }) => method === "chat.postEphemeral").map(({ body }) => body.text);
}

function actionsOf(index: number): readonly string[] {
  return (slack.calls[index]?.body.blocks ?? []).flatMap((each) =>
    each.type === "actions" ? each.elements.map(({ action_id: id }) => id) : [],
  );
}

async function stateOf(id: string): Promise<string | undefined> {
  return (await rest.store.approvals.find("acme", id))?.state;
}

describe("a message", () => {
  test("goes to who may answer and to a channel, with buttons, a link, the delivery's id, and no words of others", async () => {
    const approval = await house.hold({ statedReason: "<!channel> *approve* <https://evil.example|here>" });
    await house.pass();
    expect(house.faults).toEqual([]);
    expect(slack.calls.map(({ method, body }) => [method, body.channel]).toSorted()).toEqual([
      ["chat.postMessage", "C0APPROVE"],
      ["chat.postMessage", "U0LENA"],
    ]);
    const text = JSON.stringify(slack.calls[0]?.body);
    expect(text).toContain(`${PUBLIC_URL}/approvals/${approval.id}`);
    expect(text).not.toMatch(/evil|channel>|T-17|closed|ana/u);
    expect(actionsOf(0)).toEqual(["bailiwick_deny", "bailiwick_approve", "bailiwick_open"]);
    const ids = (await rest.store.notifications.list("acme", { limit: 10 })).map(({ id }) => id);
    expect(ids).toContain(slack.calls[0]?.body.metadata?.event_payload["delivery"]);
  });

  test.each([
    ["a high effect", { effect: "pay" }],
    ["step-up", { terms: { count: 1, also: [], stepUp: true } }],
    ["two people", { terms: { count: 2, also: [], stepUp: false } }],
    ["a further group", { terms: { count: 1, also: [{ by: ["owner"], count: 1 }], stepUp: false } }],
  ])("about %s has a link only", async (_, overrides) => {
    await house.hold(overrides);
    await house.pass();
    expect(slack.calls.length).toBeGreaterThan(0);
    expect(actionsOf(0)).toEqual(["bailiwick_open"]);
  });

  test("that Slack refuses for good is given up, and one that it limits is tried again", async () => {
    slack.next.push("not_in_channel", "ratelimited");
    await house.hold();
    await house.pass();
    const made = await rest.store.notifications.list("acme", { limit: 10 });
    expect(made.map(({ state }) => state).toSorted()).toEqual(["dead", "waiting"]);
    expect(made.find(({ state }) => state === "dead")?.lastError).toBe("Slack refused `chat.postMessage`: not_in_channel");
    expect(JSON.stringify(made)).not.toContain(SLACK_TOKEN);
  });
});

describe("a click", () => {
  test("approves as the person it is mapped to, by way of Slack, and the messages lose their buttons", async () => {
    const approval = await house.hold();
    await house.pass();
    expect(await click()).toBe(200);
    expect(await rest.store.approvals.find("acme", approval.id)).toMatchObject({
      state: "approved",
      answers: [{ by: "lena", via: "slack", verdict: "approve" }],
    });
    const said = (await rest.store.log.read("acme", 0, 50)).map(saidBy);
    expect(said).toContainEqual(expect.objectContaining({ event: "approval.approve", via: "slack", approval: approval.id }));
    await house.pass();
    const updates = slack.calls.filter(({ method }) => method === "chat.update");
    expect(updates.map(({ body }) => body.channel).toSorted()).toEqual(["C0APPROVE", "D0LENA"]);
    expect(updates.map(({ body }) => body.text)).toEqual([expect.stringMatching(/^approved: /u), expect.stringMatching(/^approved: /u)]);
    expect(JSON.stringify(updates)).not.toMatch(/bailiwick_(?:approve|deny)/u);
  });

  test("denies, and the agent hears where it was denied", async () => {
    const approval = await house.hold();
    await house.pass();
    await click({ action: "bailiwick_deny" });
    expect(await rest.store.approvals.find("acme", approval.id)).toMatchObject({
      state: "denied",
      answers: [{ by: "lena", reason: "denied in Slack, without a reason" }],
    });
  });

  test("on the link is taken and answers nothing", async () => {
    const approval = await house.hold();
    await house.pass();
    expect(await click({ action: "bailiwick_open", value: "" })).toBe(200);
    expect(await stateOf(approval.id)).toBe("pending");
  });

  test("after an answer on the page changes the messages as well", async () => {
    const approval = await house.hold();
    await house.pass();
    await house.answer(approval, "deny");
    await house.pass();
    expect(slack.calls.filter(({ method }) => method === "chat.update")).toHaveLength(2);
    expect(await click()).toBe(200);
    expect(ephemeral()).toEqual([expect.stringContaining("not answered: the approval is denied already")]);
  });
});

describe("attacks", () => {
  test.each<[string, Click, number]>([
    ["another secret", { secret: "0".repeat(32) }, 401],
    ["a request older than five minutes", { offMs: -301_000 }, 401],
    ["a request from the future", { offMs: 330_000 }, 401],
    ["a tenant that is not there", { value: JSON.stringify({ tenant: "evil", id: "x", fingerprint: "f" }) }, 400],
    ["a value of somebody else's button", { value: "approve" }, 400],
  ])("%s is refused", async (_, attack, status) => {
    const approval = await house.hold();
    await house.pass();
    expect(await click(attack)).toBe(status);
    expect(await stateOf(approval.id)).toBe("pending");
  });

  test.each<[string, Click, string]>([
    ["the user the call is made for", { user: "U0ANA" }, "someone else must answer"],
    ["an auditor", { user: "U0RUDI" }, "only reads"],
    ["a person of another tenant", { user: "U0GRETA" }, "there is no approval"],
    ["somebody the policy does not know", { user: "U0EVE" }, "no person of the broker"],
    ["the same id in another workspace", { team: "T0EVIL", userTeam: SLACK_TEAM }, "no person of the broker"],
    ["the same id of a guest from another workspace", { userTeam: "T0EVIL" }, "no person of the broker"],
  ])("%s is told why not, alone, and nothing is answered", async (_, attack, words) => {
    const approval = await house.hold();
    await house.pass();
    expect(await click(attack)).toBe(200);
    expect(ephemeral()).toEqual([expect.stringContaining(words)]);
    expect(await stateOf(approval.id)).toBe("pending");
  });

  test("a signed value cannot reach an approval that needs the page, nor one it was not shown for", async () => {
    const high = await house.hold({ effect: "pay" });
    const plain = await house.hold({ callId: "call_2", args: { id: "T-18" } });
    await house.pass();
    const shown: unknown = JSON.parse(valueShown() ?? "{}");
    await click({ value: JSON.stringify({ ...Object(shown), id: high.id }) });
    await click({ value: JSON.stringify({ ...Object(shown), fingerprint: "0000-0000-0000" }) });
    const { fingerprint } = noticeOfApproval(high, rest.ports.policy(), new Date());
    await click({ value: JSON.stringify({ tenant: "acme", id: high.id, fingerprint }) });
    expect([await stateOf(high.id), await stateOf(plain.id)]).toEqual(["pending", "pending"]);
    expect(ephemeral()).toHaveLength(3);
    expect(ephemeral()[2]).toContain("the broker's page only");
  });

  test("the same request sent twice counts once, also on another broker", async () => {
    const approval = await house.hold();
    await house.pass();
    const { body, headers } = slackClick({ action: "bailiwick_approve", value: valueShown(), user: "U0ANA" }, { at: new Date() });
    const other = createRestApp({ ...rest.ports, notifications: house.notifying.access });
    expect((await app.request("/slack/interactions", { method: "POST", body, headers })).status).toBe(200);
    expect((await other.request("/slack/interactions", { method: "POST", body, headers })).status).toBe(409);
    expect(ephemeral()).toHaveLength(1);
    expect(await stateOf(approval.id)).toBe("pending");
  });

  test("a GET answers nothing", async () => {
    const approval = await house.hold();
    await house.pass();
    const { body, headers } = slackClick({ action: "bailiwick_approve", value: valueShown(), user: "U0LENA" }, { at: new Date() });
    expect((await app.request(`/slack/interactions?${body}`, { method: "GET", headers })).status).toBe(404);
    expect(await stateOf(approval.id)).toBe("pending");
  });

  test("without a channel of Slack there is nothing at its address", async () => {
    const bare = createRestApp(rest.ports);
    const { body, headers } = slackClick({ action: "bailiwick_approve", value: "", user: "U0LENA" }, { at: new Date() });
    expect((await bare.request("/slack/interactions", { method: "POST", body, headers })).status).toBe(404);
  });
});

test("the signature is the one of Slack's own example", () => {
  const body =
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
  const request = { body, timestamp: "1531420618", signature: "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503" };
  const at = new Date(1_531_420_618_000);
  expect(slackSigned(request, SLACK_SIGNING_SECRET, at)).toBe(true);
  expect(slackSigned({ ...request, body: `${body}&x` }, SLACK_SIGNING_SECRET, at)).toBe(false);
  expect(slackSigned({ ...request, signature: request.signature.slice(0, -1) }, SLACK_SIGNING_SECRET, at)).toBe(false);
});
