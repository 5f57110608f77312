import type { JsonObject } from "@bailiwick/policy";
import { stringAt } from "../mcp-protocol/index.ts";

type OnUpdate = (params: JsonObject) => void;

/** Who wants to hear of which resource. */
export interface Subscriptions {
  /** True when this is the first wish for the URI. */
  add(uri: string, onUpdate: OnUpdate): boolean;
  /** True when nobody is left who wants the URI. */
  remove(uri: string, onUpdate: OnUpdate): boolean;
  readonly uris: () => readonly string[];
  readonly updated: (params: JsonObject) => void;
}

export function createSubscriptions(): Subscriptions {
  const wishes = new Map<string, Set<OnUpdate>>();
  return {
    add(uri, onUpdate) {
      const known = wishes.get(uri);
      if (known !== undefined) {
        known.add(onUpdate);
        return false;
      }
      wishes.set(uri, new Set([onUpdate]));
      return true;
    },
    remove(uri, onUpdate) {
      const known = wishes.get(uri);
      if (known === undefined || !known.delete(onUpdate) || known.size > 0) return false;
      wishes.delete(uri);
      return true;
    },
    uris: () => [...wishes.keys()],
    updated(params) {
      const uri = stringAt(params, "uri");
      if (uri === undefined) return;
      // A server may name a part of what was subscribed to (MCP, resources, subscriptions).
      for (const [wanted, listeners] of wishes) {
        if (uri === wanted || uri.startsWith(`${wanted}/`)) for (const listener of listeners) listener(params);
      }
    },
  };
}
