import type { JsonObject } from "@bailiwick/policy";
import type { AgentSurface } from "../../call/surface.ts";
import { Refusal } from "../../call/refusal.ts";
import { META, RPC, isObject, notificationMessage, resultMessage } from "../mcp-protocol/index.ts";
import type { ModernRequest } from "./context.ts";
import { finishModern } from "./modern-result.ts";
import { RpcFault } from "./rpc-fault.ts";
import type { Settings } from "./settings.ts";
import { MAX_LISTENERS, MAX_LISTENERS_EACH, MAX_SUBSCRIPTIONS } from "./settings.ts";
import { createShares } from "./shares.ts";

/** Open `subscriptions/listen` streams (2026-07-28, basic/utilities/subscriptions). */
export interface Listeners {
  /** Resolves once the stream stands. @throws RpcFault for a malformed filter or too many streams; Refusal. */
  listen(request: ModernRequest): Promise<void>;
  listsChanged(): void;
  close(): void;
}

/** What a stream asked for, and what of it it gets. */
interface Filter {
  readonly toolsListChanged?: true;
  readonly promptsListChanged?: true;
  readonly resourcesListChanged?: true;
  readonly resourceSubscriptions?: readonly string[];
}

interface Listener {
  readonly honored: Filter;
  notify(method: string, params: JsonObject): void;
  /** With the empty result that tells a graceful end from a lost connection. */
  end(): void;
  /** Called once, at once when the peer has gone already. */
  onEnd(listener: () => void): void;
}

type Unsubscribe = () => Promise<void>;

export function createListeners(surface: AgentSurface, settings: Settings): Listeners {
  const open = new Set<Listener>();
  const shares = createShares(MAX_LISTENERS, MAX_LISTENERS_EACH);
  return {
    async listen(request) {
      const { agent } = request.session;
      const wanted = filterIn(request.params);
      if (!shares.take(agent)) throw new RpcFault(RPC.internal, "too many subscription streams are open; close some or retry later");
      const early: JsonObject[] = [];
      let deliver = (params: JsonObject): void => void early.push(params);
      const subscribed = await subscribeAll(surface, request, wanted.resourceSubscriptions ?? [], (params) => deliver(params)).catch(
        (error: unknown) => {
          shares.give(agent);
          throw error;
        },
      );
      const { resourceSubscriptions: _wanted, ...lists } = wanted;
      const honored: Filter = subscribed.uris.length === 0 ? lists : { ...lists, resourceSubscriptions: subscribed.uris };
      const listener = createListener(surface, settings, request, honored);
      open.add(listener);
      listener.onEnd(() => {
        open.delete(listener);
        shares.give(agent);
        endAll(subscribed.unsubscribe);
      });
      listener.notify("notifications/subscriptions/acknowledged", { notifications: { ...honored } });
      if (Object.keys(honored).length === 0) return listener.end();
      deliver = (params) => listener.notify("notifications/resources/updated", params);
      for (const params of early) deliver(params);
    },
    listsChanged() {
      for (const listener of open) {
        if (listener.honored.toolsListChanged) listener.notify("notifications/tools/list_changed", {});
        if (listener.honored.promptsListChanged) listener.notify("notifications/prompts/list_changed", {});
        if (listener.honored.resourcesListChanged) listener.notify("notifications/resources/list_changed", {});
      }
    },
    close() {
      for (const listener of open) listener.end();
    },
  };
}

/** @throws RpcFault when `notifications` is missing or malformed. */
function filterIn(params: JsonObject): Filter {
  const wanted = params["notifications"];
  if (!isObject(wanted)) throw new RpcFault(RPC.invalidParams, "`notifications` is missing or no object; name the notifications you want");
  const uris = wanted["resourceSubscriptions"] ?? [];
  const texts = Array.isArray(uris) ? uris.filter((uri) => typeof uri === "string") : [];
  if (!Array.isArray(uris) || texts.length !== uris.length || texts.length > MAX_SUBSCRIPTIONS) {
    throw new RpcFault(RPC.invalidParams, `\`resourceSubscriptions\` must be a list of at most ${MAX_SUBSCRIPTIONS} URIs`);
  }
  return {
    ...(wanted["toolsListChanged"] === true ? { toolsListChanged: true } : {}),
    ...(wanted["promptsListChanged"] === true ? { promptsListChanged: true } : {}),
    ...(wanted["resourcesListChanged"] === true ? { resourcesListChanged: true } : {}),
    ...(texts.length === 0 ? {} : { resourceSubscriptions: texts }),
  };
}

/** Resources the session may not read are left out of what is honored; the rest of the stream stands. */
async function subscribeAll(
  surface: AgentSurface,
  request: ModernRequest,
  uris: readonly string[],
  onUpdate: (params: JsonObject) => void,
): Promise<{ readonly uris: readonly string[]; readonly unsubscribe: readonly Unsubscribe[] }> {
  const honored: string[] = [];
  const unsubscribe: Unsubscribe[] = [];
  for (const uri of uris) {
    try {
      unsubscribe.push(await surface.subscribe(request.presented, uri, onUpdate));
      honored.push(uri);
    } catch (error) {
      if (error instanceof Refusal) continue;
      endAll(unsubscribe);
      throw error;
    }
  }
  return { uris: honored, unsubscribe };
}

function endAll(unsubscribe: readonly Unsubscribe[]): void {
  for (const stop of unsubscribe) stop().catch(() => {});
}

function createListener(surface: AgentSurface, settings: Settings, request: ModernRequest, honored: Filter): Listener {
  const { reply } = request;
  let ended = false;
  let hear = (): void => {};
  const stamp = { [META.subscriptionId]: request.id };

  function finish(): void {
    if (ended) return;
    ended = true;
    clearTimeout(expiry);
    hear();
  }
  function end(): void {
    if (ended) return;
    finish();
    reply.end(resultMessage(request.id, finishModern(settings, request.method, { _meta: stamp })));
  }
  const leftMs = Math.max(request.session.expiresAt.getTime() - settings.now().getTime(), 0);
  const expiry = setTimeout(end, leftMs);
  reply.onGone(finish);
  return {
    honored,
    end,
    onEnd(listener) {
      if (ended) listener();
      else hear = listener;
    },
    notify(method, params) {
      const meta = params["_meta"];
      const message = notificationMessage(method, { ...params, _meta: { ...(isObject(meta) ? meta : {}), ...stamp } });
      if (method === "notifications/subscriptions/acknowledged") return reply.send(message);
      // The stream lives long; what it says is for a session that must still be live.
      surface.session(request.presented).then(() => reply.send(message), end);
    },
  };
}
