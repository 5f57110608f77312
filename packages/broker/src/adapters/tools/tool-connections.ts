import { isDeepStrictEqual } from "node:util";
import type { CatalogTool, Connect, Policy } from "@bailiwick/policy";
import type { ToolConnections } from "../../call/ports.ts";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, Equipment, ToolConnection, ToolListing } from "../../domain/tool.ts";
import { fillConnect } from "./fill-connect.ts";
import { makeConnection, type Made } from "./make-connection.ts";
import { isStdio, requireHost } from "./require-host.ts";

export interface ToolConnectionsOptions {
  /** The policy in force; asked at each use, so that a reload takes effect on the next call. */
  policy(): Policy;
  /** The broker's environment, for `${env:NAME}`; children see nothing of it but PATH and HOME. */
  readonly environment: (name: string) => string | undefined;
  /** For the operator; facts hold no secret. */
  log(event: string, facts: Readonly<Record<string, string>>): void;
}

/** All live connections to tools. */
export interface LiveToolConnections extends ToolConnections {
  /** Called when the list of any upstream changes; returns the unsubscribe function. */
  onChange(listener: (key: ConnectionKey) => void): () => void;
  /** Ends every connection; children are gone when it resolves. */
  close(): Promise<void>;
}

/** One connection per key, made on first use and made anew when its address, or the environment of its child, changes. */
export function createToolConnections(options: ToolConnectionsOptions): LiveToolConnections {
  const open = new Map<string, Held>();
  const retired = new Set<ToolConnection>();
  const listeners = new Set<(key: ConnectionKey) => void>();
  let closed = false;

  function replace(key: ConnectionKey, name: string, tool: CatalogTool, connect: Connect, equipment: Equipment): Held {
    const log = (event: string, text: string): void => options.log(event, { ...key, text });
    const next: Held = {
      tool,
      connect,
      environment: equipment.environment,
      ...makeConnection(key, tool, connect, equipment, options.environment, log),
    };
    const previous = open.get(name);
    if (previous !== undefined) retire(previous);
    open.set(name, next);
    next.connection.onChange(() => {
      for (const listener of listeners) listener(key);
    });
    if (previous !== undefined) for (const listener of listeners) listener(key);
    return next;
  }

  /** Calls that run on the old connection end there; new ones find the new one. */
  function retire(held: Held): void {
    const { connection } = held;
    retired.add(connection);
    const forget = (): void => void retired.delete(connection);
    held.retire().then(forget, forget);
  }

  return {
    async connect(key, equipment) {
      if (closed) throw new Fault("tool_unavailable", "the broker is stopping; send the call again when it is back");
      const tool = options.policy().tools.find((each) => each.tool === key.tool);
      if (tool === undefined) {
        throw new Fault("tool_unavailable", `the tool \`${key.tool}\` is no longer in the policy; ask for the list of tools`);
      }
      const name = keyText(key);
      const held = open.get(name);
      const connect = held?.tool === tool ? held.connect : fillConnect(tool.connect, key, options.environment);
      requireHost(key.tool, connect, equipment);
      if (held === undefined || !stillRight(held, tool, connect, equipment)) return replace(key, name, tool, connect, equipment).connection;
      held.equip(equipment);
      return held.connection;
    },
    known: (key): ToolListing | undefined => open.get(keyText(key))?.known(),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      closed = true;
      const all = [...[...open.values()].map((held) => held.connection), ...retired];
      open.clear();
      await Promise.all(all.map((connection) => connection.close()));
    },
  };
}

/** A connection, and what it was made from. */
interface Held extends Made {
  readonly tool: CatalogTool;
  readonly connect: Connect;
  readonly environment: Equipment["environment"];
}

/** Built-in tools are described by the catalog itself, so another catalog entry needs another connection. */
function stillRight(held: Held, tool: CatalogTool, connect: Connect, equipment: Equipment): boolean {
  if (held.tool !== tool && !("mcp" in connect)) return false;
  if (held.tool !== tool && !isDeepStrictEqual(held.connect, connect)) return false;
  return !isStdio(connect) || isDeepStrictEqual(held.environment, equipment.environment);
}

function keyText(key: ConnectionKey): string {
  return JSON.stringify([key.tool, key.tenant, key.environment, key.workflow]);
}
