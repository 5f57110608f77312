import { formatDiagnostic, load, type Policy } from "@bailiwick/policy";
import { z } from "zod";
import type { CredentialOpener } from "../../src/domain/credential.ts";
import { companyFiles } from "../people-support/company.ts";
import { type ServedHouse, serveRestHouse } from "../people-support/serve.ts";
import { MACHINE, startAuthorizationServer, type TestAuthorizationServer } from "./authorization-server.ts";
import { type GuardedTool, startGuardedTool } from "./guarded-tool.ts";
import { saidBy } from "../support/said.ts";

export const PLACE = { tenant: "acme", environment: "dev", workflow: "support" } as const;

/** The broker's REST and pages, a tool that wants tokens, and the server that gives them. */
export interface ToolHouse {
  readonly server: TestAuthorizationServer;
  readonly tool: GuardedTool;
  readonly house: ServedHouse;
  readonly opener: CredentialOpener;
  /** Another version of the tool's `oauth`, and of its address. */
  say(oauth: string, url?: string): void;
  usePolicy(policy: Policy): void;
  /** Bodies of all records of the tenant, as text. */
  records(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export const BY_PERSON = '{ scope: ["notes:read", "notes:write"] }';
export const byMachine = (issuer: string, scope = '"notes:read", "notes:write"'): string =>
  `{ grant: client_credentials, issuer: "${issuer}", client: { id: ${MACHINE.id}, secret: notes-client }, scope: [${scope}] }`;

export async function openToolHouse(oauth = BY_PERSON): Promise<ToolHouse> {
  const server = await startAuthorizationServer();
  const tool = await startGuardedTool(server.issuer, server.jwks);
  let policy = policyWith(tool.url, oauth);
  const house = await serveRestHouse({ policy: () => policy });
  return {
    server,
    tool,
    house,
    opener: house.opener,
    say: (next, url = tool.url) => {
      policy = policyWith(url, next);
    },
    usePolicy: (next) => {
      policy = next;
    },
    records: async () => (await house.store.log.query("acme", { limit: 200 })).map((record) => JSON.stringify(saidBy(record))),
    close: async () => {
      await house.close();
      await tool.close();
      await server.close();
    },
  };
}

export function policyWith(url: string, oauth: string): Policy {
  const text = `tool: notes
connect: { mcp: { url: "${url}" } }
credential: { name: notes-token, from: oauth, oauth: ${oauth}, inject: { header: authorization, format: "Bearer {value}" } }
actions: {}
`;
  const result = load([...companyFiles, { path: "tools/notes.yaml", text }]);
  if (result.ok) return result.policy;
  throw new Error(result.diagnostics.map(formatDiagnostic).join("\n"));
}

const link = z.object({ url: z.string() });

/** What `bailiwick tools connect` prints. */
export async function connectLink({ house }: ToolHouse, body: object = {}): Promise<string> {
  const answer = await house.operator("POST", "/api/v1/tools/notes/connect", { ...PLACE, ...body });
  const said: unknown = await answer.json();
  const parsed = link.safeParse(said);
  if (!parsed.success) throw new Error(JSON.stringify(said));
  return parsed.data.url;
}

/** A person's browser: keeps cookies for each host, follows redirects, submits the one form of a page. */
export interface Browser {
  /** Goes on until a page without a form, or until `stop` says so; answers the last address and its page. */
  visit(url: string, stop?: (url: string) => boolean): Promise<{ readonly url: string; readonly status: number; readonly text: string }>;
  readonly cookies: Map<string, Map<string, string>>;
}

export function browser(): Browser {
  const cookies: Browser["cookies"] = new Map();
  return {
    cookies,
    async visit(start, stop = () => false) {
      let [url, method] = [start, "GET"];
      for (let hops = 0; hops < 20; hops += 1) {
        if (stop(url)) return { url, status: 0, text: "" };
        const { host } = new URL(url);
        const own = cookies.get(host) ?? new Map<string, string>();
        cookies.set(host, own);
        const cookie = Array.from(own, ([name, value]) => `${name}=${value}`).join("; ");
        const answer = await fetch(url, { method, redirect: "manual", headers: { cookie } });
        for (const line of answer.headers.getSetCookie()) {
          const [pair = ""] = line.split(";");
          own.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
        }
        const text = await answer.text();
        const next = answer.headers.get("location");
        const form = /<form method="post" action="(\/interaction\/[^"]*)"/u.exec(text)?.[1];
        if (next !== null) [url, method] = [new URL(next, url).href, "GET"];
        else if (form !== undefined) [url, method] = [new URL(form, url).href, "POST"];
        else return { url, status: answer.status, text };
      }
      throw new Error("the browser went round in circles");
    },
  };
}
