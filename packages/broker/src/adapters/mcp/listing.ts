import type { JsonObject } from "@bailiwick/policy";
import type { VisibleListing } from "../../call/surface.ts";
import { RPC, isObject, objectAt } from "../mcp-protocol/index.ts";
import { APPROVAL_WAIT_TOOL } from "./approval-wait.ts";
import type { EndpointContext, Sender } from "./context.ts";
import { requestElevationTool } from "./request-elevation.ts";
import { RpcFault } from "./rpc-fault.ts";

/** Answers the list methods of both eras, one page each. Undefined for other methods. @throws Refusal | RpcFault. */
export async function answerList(
  context: EndpointContext,
  sender: Sender,
  method: string,
  params: JsonObject,
): Promise<JsonObject | undefined> {
  const pick = LISTS[method];
  if (pick === undefined) return undefined;
  if (params["cursor"] !== undefined)
    throw new RpcFault(RPC.invalidParams, "the cursor is unknown; lists here have one page, send no cursor");
  const listing = await context.surface.list(sender.presented);
  const result = pick(listing);
  if (method === "tools/list") context.paramHeaders.learn(sender.principal, toolsOf(listing));
  return result;
}

const LISTS: Readonly<Record<string, (listing: VisibleListing) => JsonObject>> = Object.assign(Object.create(null), {
  "tools/list": (listing: VisibleListing) => ({ tools: toolsOf(listing) }),
  "resources/list": (listing: VisibleListing) => ({ resources: listing.resources }),
  "resources/templates/list": (listing: VisibleListing) => ({ resourceTemplates: listing.resourceTemplates }),
  "prompts/list": (listing: VisibleListing) => ({ prompts: listing.prompts }),
});

/** The visible tools and the broker's own. */
export function toolsOf(listing: VisibleListing): readonly JsonObject[] {
  const { eligible = [] } = listing;
  return [...listing.tools, APPROVAL_WAIT_TOOL, ...(eligible.length === 0 ? [] : [requestElevationTool(eligible)])];
}

/** What this endpoint can do for one session: ours, and of the upstreams' what they offer. */
export function serverCapabilities(listing: VisibleListing): JsonObject {
  const offered = listing.capabilities;
  const resources = objectAt(offered, "resources");
  return {
    tools: { listChanged: true },
    resources: { listChanged: true, subscribe: resources["subscribe"] === true },
    prompts: { listChanged: true },
    ...(isObject(offered["completions"]) ? { completions: {} } : {}),
    ...(isObject(offered["logging"]) ? { logging: {} } : {}),
  };
}

/** Told to each agent once, where clients show it to the model. */
export const INSTRUCTIONS =
  "These tools are reached through Bailiwick, a permission broker. Some calls are refused: the answer says why and what to do instead; do not try to get around it. " +
  "Some calls wait for a person: the answer holds a ticket; call approval_wait with it. " +
  "Where a refusal says request_elevation, a right for a time can be asked for with that tool. " +
  'You may explain a call in one sentence in `_meta["bailiwick/reason"]`; the person who approves it will read that.';
