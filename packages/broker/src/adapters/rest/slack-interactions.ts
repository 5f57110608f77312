import { createHash } from "node:crypto";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { noticeOfApproval } from "../../domain/notice.ts";
import type { SlackApp } from "../notify/open-channels.ts";
import { SLACK_APPROVE, SLACK_DENY } from "../notify/slack.ts";
import { answerApproval, findApproval } from "./approvals/answer.ts";
import { showingOf } from "./approvals/view.ts";
import type { RestPorts } from "./ports.ts";
import type { Principal } from "./principal.ts";
import { Problem } from "./problem.ts";
import { SLACK_WINDOW_MS, slackSigned } from "./slack-signature.ts";

/** What Slack sends of a click ("block_actions payloads"); the rest of it is not used. */
const payloadSchema = z.object({
  type: z.string(),
  team: z.object({ id: z.string() }).nullable(),
  user: z.object({ id: z.string(), team_id: z.string().optional() }),
  channel: z.object({ id: z.string() }).optional(),
  actions: z.array(z.object({ action_id: z.string(), value: z.string().max(2_000).optional() })).default([]),
});
type Payload = z.output<typeof payloadSchema>;

const valueSchema = z.strictObject({ tenant: z.string().max(256), id: z.string().max(256), fingerprint: z.string().max(64) });
type Value = z.output<typeof valueSchema>;

/**
 * `POST /slack/interactions`: a click on a button of ours. Slack's signature says that Slack sent it, `notify.yaml` says whose click it is, and from
 * there on it is that person's answer by the same way as on the page.
 */
export function addSlackInteractions(app: OpenAPIHono, ports: RestPorts): void {
  app.post("/slack/interactions", async (c) => {
    const { slack } = ports.notifications;
    if (slack === undefined)
      throw new Problem("not_found", "this broker has no channel of Slack", ["add one to `notify.yaml`, see docs/guide/notifications.md"]);
    const body = await c.req.text();
    const signature = c.req.header("x-slack-signature");
    if (!slackSigned({ signature, timestamp: c.req.header("x-slack-request-timestamp"), body }, slack.signingSecret, ports.now()))
      throw new Problem("unauthenticated", "this was not signed by Slack just now", [
        "check `signingSecret` in `notify.yaml` and this machine's clock",
      ]);
    const payload = payloadOf(body);
    const click = payload.actions.find(({ action_id: id }) => id === SLACK_APPROVE || id === SLACK_DENY);
    // A click on the link is told as well.
    if (payload.type !== "block_actions" || click === undefined) return c.body(null, 200);
    const value = valueOf(click.value);
    await requireFirst(ports, value, signature ?? "");
    try {
      await answer(ports, slack, payload, value, click.action_id === SLACK_APPROVE ? "approve" : "deny");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await tell(ports, slack, payload, error);
    }
    ports.notifications.wake(value.tenant);
    return c.body(null, 200);
  });
}

async function answer(ports: RestPorts, slack: SlackApp, payload: Payload, value: Value, verdict: "approve" | "deny"): Promise<void> {
  const principal = principalOf(ports, slack, payload);
  const approval = await findApproval(ports, principal, value.id);
  const notice = noticeOfApproval(approval, ports.policy(), ports.now());
  if (approval.tenant !== value.tenant || notice.fingerprint !== value.fingerprint)
    throw new Problem("approval_changed", "this message is not about what is asked by now", ["open the page and look again"]);
  if (!notice.buttons)
    throw new Problem("step_up_required", "this is answered on the broker's page only", ["open the page from the message"]);
  await answerApproval(
    ports,
    principal,
    approval.id,
    verdict === "deny" ? { verdict, reason: "denied in Slack, without a reason" } : { verdict, showing: showingOf(approval) },
  );
}

/** @throws Problem `wrong_tenant`, `unauthenticated` when the click is nobody's whom the policy knows. */
function principalOf(ports: RestPorts, slack: SlackApp, { team, user }: Payload): Principal {
  const person = ports.policy().people.find(({ id }) => id === slack.personOf(user.id));
  if (team?.id !== slack.team || (user.team_id ?? slack.team) !== slack.team || person === undefined)
    throw new Problem("unauthenticated", "this Slack user is no person of the broker", [
      "ask an owner to add your id to `notify.yaml`, or answer on the page",
    ]);
  const { tenants } = ports.policy();
  return {
    kind: "person",
    person,
    via: "slack",
    tenants: person.tenants.filter((tenant) => tenants.includes(tenant)),
    // No sign-in stands behind it: nothing that needs one can be done with it.
    tokenHash: "",
    carrier: "bearer",
  };
}

/** A signed request counts once, on whichever broker it arrives. @throws Problem `already_answered`. */
async function requireFirst(ports: RestPorts, { tenant }: Value, signature: string): Promise<void> {
  if (!ports.policy().tenants.includes(tenant))
    throw new Problem("malformed_request", "the button is none of this broker's", ["open the page from a newer message"]);
  const id = `slack ${createHash("sha256").update(signature).digest("base64url")}`;
  const until = new Date(ports.now().getTime() + 2 * SLACK_WINDOW_MS);
  if (!(await ports.notifications.store.once(tenant, id, until)))
    throw new Problem("already_answered", "this request was sent before", ["click once"]);
}

/** The person hears why it did not work, and nobody else does. */
async function tell(ports: RestPorts, slack: SlackApp, { channel, user }: Payload, problem: Problem): Promise<void> {
  if (channel === undefined) return;
  const text = [problem.message, ...problem.next].join("; ").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  await slack.api.call("chat.postEphemeral", { channel: channel.id, user: user.id, text: `not answered: ${text}` }).catch(ports.onFault);
}

/** @throws Problem `malformed_request`. */
function payloadOf(body: string): Payload {
  const parsed = payloadSchema.safeParse(json(new URLSearchParams(body).get("payload")));
  if (parsed.success) return parsed.data;
  throw new Problem("malformed_request", "this is no interaction of Slack", [
    "set the request address of the app's interactivity to `/slack/interactions`",
  ]);
}

function valueOf(text: string | undefined): Value {
  const parsed = valueSchema.safeParse(json(text ?? null));
  if (parsed.success) return parsed.data;
  throw new Problem("malformed_request", "the button is none of this broker's", ["open the page from a newer message"]);
}

function json(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
