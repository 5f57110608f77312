import type { CatalogTool, Connect } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import type { ConnectionKey, Equipment, ToolConnection, ToolListing } from "../../domain/tool.ts";
import { connectEgressTool } from "../egress/connect.ts";
import { connectHttpTool } from "../http-tool/connect.ts";
import { createConnection, type McpTarget } from "../mcp-client/index.ts";
import { connectPostgresTool } from "../postgres-tool/connect.ts";
import { connectSmtpTool } from "../smtp-tool/connect.ts";

/** A new connection of whatever kind, with what the pool of connections needs of it. */
export interface Made {
  readonly connection: ToolConnection;
  known(): ToolListing | undefined;
  equip(equipment: Equipment): void;
  /** Resolves when the connection has ended: at once when idle, otherwise after its calls or, for a program of its own, a grace time. */
  retire(): Promise<void>;
}

/** @throws Fault `tool_unavailable` when the address is none. */
export function makeConnection(
  key: ConnectionKey,
  tool: CatalogTool,
  connect: Connect,
  equipment: Equipment,
  environment: (name: string) => string | undefined,
  log: (event: string, text: string) => void,
): Made {
  if ("smtp" in connect) return builtIn(connectSmtpTool(key, tool, connect.smtp));
  if ("postgres" in connect) return builtIn(connectPostgresTool(key, tool, connect.postgres));
  if ("http" in connect) return builtIn(connectHttpTool(key, tool, connect.http));
  if ("egress" in connect) return builtIn(connectEgressTool(key, tool, connect.egress));
  const connection = createConnection({ key, target: targetOf(key, connect, environment), equipment, log });
  return {
    connection,
    known: connection.known,
    equip: (next) => connection.equip(next),
    retire: () => connection.retire(),
  };
}

function builtIn(connection: ToolConnection): Made {
  let listing: ToolListing | undefined;
  void connection.listing().then((known) => {
    listing = known;
    return known;
  });
  const running = new Set<Promise<unknown>>();
  return {
    connection: {
      ...connection,
      invoke: (...call) => {
        const work = connection.invoke(...call);
        running.add(work);
        const forget = (): void => void running.delete(work);
        work.then(forget, forget);
        return work;
      },
    },
    known: () => listing,
    equip: () => undefined,
    // A policy that is loaded anew cuts no call and no line; each ends by its own time limit.
    retire: async () => {
      while (running.size > 0) await Promise.allSettled(running);
      await connection.close();
    },
  };
}

/** A child sees PATH and HOME, what the policy folder says, and later its credential: nothing else of the broker's environment. */
function targetOf(
  key: ConnectionKey,
  connect: Extract<Connect, { mcp: unknown }>,
  environment: (name: string) => string | undefined,
): McpTarget {
  if ("url" in connect.mcp) {
    const url = URL.parse(connect.mcp.url);
    if (url === null || !(url.protocol === "http:" || url.protocol === "https:")) {
      throw new Fault(
        "tool_unavailable",
        `the address of the tool \`${key.tool}\` is no http or https URL; correct it in the policy folder`,
      );
    }
    return { url };
  }
  const { command, env, cwd } = connect.mcp;
  const inherited: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = environment(name);
    if (value !== undefined) inherited[name] = value;
  }
  return { command, environment: { ...inherited, ...env }, cwd };
}

const INHERITED = ["PATH", "HOME"] as const;
