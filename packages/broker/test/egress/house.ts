import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bailiwick/policy";
import { startEgressProxy, type EgressProxyOptions } from "../../src/adapters/egress/proxy.ts";
import type { Store } from "../../src/adapters/store/index.ts";
import { createToolConnections } from "../../src/adapters/tools/index.ts";
import { createAgentSurface } from "../../src/call/agent-surface.ts";
import { runningCalls } from "../../src/call/running-calls.ts";
import type { Session } from "../../src/domain/session.ts";
import { AGENT, testPolicy, world } from "../call/support.ts";
import { PLAIN } from "../plain-session.ts";
import { saidBy } from "../support/said.ts";

/** The default rules of these tests: one host name on any port, for whoever's session names it. */
const ROLE = `role: support
reason: fetches what its session names
allow:
  - do: network:connect
    when: context.session.data has hosts && context.session.data.hosts.contains(context.args.host)
`;

const NETWORK = `tool: network
connect: { egress: { private: [localhost, inside.example] } }
actions:
  connect: { is: "network:connect", effect: execute, args: { host: string, port: integer }, timeout: 10s }
`;

const DEAF = runningCalls({ onEnded: () => () => undefined, listenerFresh: () => true });

export interface House {
  readonly proxy: { readonly host: string; readonly port: number };
  /** Opens a session whose data names the hosts it may reach; answers its token. */
  session(hosts?: readonly string[], more?: Partial<Session>): Promise<string>;
  readonly faults: readonly unknown[];
  close(): Promise<void>;
}

/** The proxy over the real call path and a real store. */
export async function house(
  store: Store,
  options: {
    readonly files?: Readonly<Record<string, string>>;
    readonly bounds?: EgressProxyOptions["bounds"];
    /** The broker does not hear that sessions end. */
    readonly deaf?: boolean;
  } = {},
): Promise<House> {
  const policy = testPolicy({
    "bailiwick.yaml": `version: 1
tenants: [acme, globex]
environments: { prod: {} }
people:
  dana: { name: Dana, email: dana@acme.example, tenants: [acme], roles: [support-lead] }
session: { data: { "hosts?": [string] } }
`,
    "tools/network.yaml": NETWORK,
    "roles/support.yaml": ROLE,
    "agents/support.yaml": `agent: support
workflow: helpdesk
owner: dana
tenants: [acme, globex]
environments: [prod]
roles: [support]
ceiling: { allow: ["network:*"] }
`,
    ...options.files,
  });
  const tools = createToolConnections({ policy: () => policy, environment: () => undefined, log: () => undefined });
  const made = await world(store, (ports) => ({ ...ports, tools, ...(options.deaf === true ? { running: DEAF } : {}) }), policy);
  const faults: unknown[] = [];
  const proxy = await startEgressProxy({
    surface: createAgentSurface(made.ports, () => () => undefined),
    policy: () => policy,
    host: "127.0.0.1",
    port: 0,
    bounds: options.bounds,
    now: () => new Date(),
    onFault: (error) => faults.push(error),
  });
  return {
    proxy: { host: "127.0.0.1", port: Number(new URL(proxy.url).port) },
    faults,
    session: async (hosts = ["localhost"], more = {}) => {
      const now = Date.now();
      const session: Session = {
        ...PLAIN,
        id: `ses_${randomUUID()}`,
        tenant: "acme",
        environment: "prod",
        workflow: "helpdesk",
        agent: AGENT,
        user: "u-17",
        task: `task-${randomUUID()}`,
        run: `run_${randomUUID()}`,
        data: { hosts },
        scope: ["network:*"],
        issuedAt: new Date(now),
        expiresAt: new Date(now + 240_000),
        ...more,
      };
      await store.sessions.create(session);
      return session.id;
    },
    close: async () => {
      await proxy.close();
      await tools.close();
    },
  };
}

export interface Spoken {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export function basic(token: string): string {
  return `proxy-authorization: Basic ${Buffer.from(`session:${token}`).toString("base64")}`;
}

/** Sends bytes to the proxy as they are and reads to the end; `done` also says that no more will come. */
export async function speak(at: House["proxy"], lines: readonly string[], body = "", done = false): Promise<Spoken> {
  const socket = connect({ ...at, allowHalfOpen: true });
  socket.on("error", () => undefined);
  socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
  if (done) socket.end();
  const answer = await text(socket).catch(() => "");
  socket.destroy();
  return split(answer);
}

/** Opens a tunnel. `line` is undefined when the proxy says no. */
export async function tunnel(
  at: House["proxy"],
  target: string,
  token: string,
): Promise<{ readonly answer: Spoken; readonly line?: Socket }> {
  const socket = connect({ ...at, allowHalfOpen: true });
  socket.on("error", () => undefined);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${basic(token)}\r\n\r\n`);
  let heard = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    heard += String(chunk);
    if (heard.startsWith("HTTP/1.1 200") && heard.includes("\r\n\r\n")) return { answer: split(heard), line: socket };
  }
  socket.destroy();
  return { answer: split(heard) };
}

function split(heard: string): Spoken {
  const at = heard.indexOf("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/u.exec(heard)?.[1] ?? 0),
    head: at < 0 ? heard : heard.slice(0, at),
    body: at < 0 ? "" : heard.slice(at + 4),
  };
}

/** Says back what it hears, and ends when its client does. */
export async function echo(): Promise<{ readonly port: number; readonly sockets: readonly Socket[]; close(): void }> {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test server has no port");
  return {
    port: address.port,
    sockets,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** What the log says of a session's calls, oldest first. */
export async function records(store: Store, session: string): Promise<readonly JsonObject[]> {
  const begun = await store.log.query("acme", { session, limit: 200 });
  return (await store.log.recordsOf("acme", [...new Set(begun.map(({ callId }) => callId))])).map(saidBy);
}
