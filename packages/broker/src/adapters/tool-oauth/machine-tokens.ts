import type { Challenge } from "../../domain/fault.ts";
import { BROKER } from "../../domain/admin-record.ts";
import type { CredentialOpener, OpenCredential } from "../../domain/credential.ts";
import type { ToolPlace } from "../../domain/tool-access.ts";
import { openClient } from "./client-secret.ts";
import { ownClient } from "./own-client.ts";
import { MIN_AGE_MS, SPARE_MS, type ToolOAuthPorts } from "./ports.ts";
import { recordToken } from "./record-token.ts";
import { askedScope, requireWithin, scopesIn } from "./scopes.ts";
import { requestTokens, type Tokens } from "./token-endpoint.ts";
import { hostsOf, toolUrl, type ToolUse } from "./tool-use.ts";

type At = Parameters<CredentialOpener["open"]>[1];

interface Held {
  readonly opened: OpenCredential;
  readonly tokens: Tokens;
  /** What the tool file said when it was asked for. */
  readonly about: string;
}

interface Line {
  current?: Promise<Held> | undefined;
  /** Opens for calls that began with it. */
  previous?: Held | undefined;
  /** Wanted beside what the server asked for at first. */
  wider: readonly string[];
}

/** Places times tools; one that is dropped to make room only asks again. */
const MAX_LINES = 10_000;

export interface MachineTokens {
  open(use: ToolUse, at: At, version: number | undefined): Promise<OpenCredential | undefined>;
  refused(use: ToolUse, at: At, challenge: Challenge | undefined): string;
}

/** Tokens of the broker itself (`client_credentials`, RFC 6749 section 4.4): one for each tool and place, in memory only. */
export function machineTokens(ports: ToolOAuthPorts): MachineTokens {
  const lines = new Map<string, Line>();

  function lineOf({ name }: ToolUse, { tenant, environment, workflow }: At): Line {
    const key = JSON.stringify([name, tenant, environment, workflow]);
    const line = lines.get(key) ?? { wider: [] };
    if (lines.size >= MAX_LINES && !lines.has(key)) lines.clear();
    lines.set(key, line);
    return line;
  }

  async function current(use: ToolUse, at: At, line: Line): Promise<Held> {
    const held = line.current;
    if (held !== undefined) {
      const kept = await held;
      if (kept.about === aboutOf(ports, use, at) && lives(kept, ports.now(), SPARE_MS)) return kept;
      if (line.current !== held) return current(use, at, line);
      line.previous = kept;
    }
    const asked = ask(ports, use, { ...at, tool: use.tool }, line);
    line.current = asked;
    asked.catch(() => {
      if (line.current === asked) line.current = undefined;
    });
    return asked;
  }

  return {
    async open(use, at, version) {
      const line = lineOf(use, at);
      const { previous } = line;
      if (version !== undefined && previous?.opened.version === version && lives(previous, ports.now(), 0)) return previous.opened;
      const { opened } = await current(use, at, line);
      return version === undefined || version === opened.version ? opened : undefined;
    },
    refused(use, at, challenge) {
      const line = lineOf(use, at);
      const held = line.current;
      const drop = (): void => {
        void held?.then((kept) => {
          if (ports.now().getTime() - kept.tokens.issuedAt.getTime() >= MIN_AGE_MS && line.current === held) line.current = undefined;
        }, ignore);
      };
      if (challenge?.error !== "insufficient_scope") {
        drop();
        return `the server of the tool \`${use.tool}\` did not take the broker's token; nothing ran; the broker gets another one, so repeat the call`;
      }
      const missing = scopesIn(challenge.scope);
      if (
        missing.length === 0 ||
        missing.some((scope) => !use.oauth.scope.includes(scope)) ||
        missing.every((scope) => line.wider.includes(scope))
      )
        return `the broker's token at \`${use.tool}\` does not reach far enough for this call, and its file allows no more; nothing ran; whoever keeps the policy decides about \`oauth.scope\``;
      line.wider = [...new Set([...line.wider, ...missing])];
      line.current = undefined;
      return `this call takes more than the broker's token at \`${use.tool}\` allows; nothing ran; the broker asks for ${missing.map((scope) => `\`${scope}\``).join(", ")} as well, so repeat the call`;
    },
  };
}

async function ask(ports: ToolOAuthPorts, use: ToolUse, place: ToolPlace, line: Line): Promise<Held> {
  const { tool, oauth } = use;
  const { tenant, environment, workflow } = place;
  const url = toolUrl(ports.policy(), place, ports.environment);
  const { server, resource, challenged } = await ports.find(url, oauth.issuer);
  const scope = askedScope(tool, oauth.scope, challenged, line.wider);
  const registered = await openClient(ports, use, place, server);
  const client = await ownClient(ports.fetch, server, { redirectUri: "" }, registered);
  await recordToken(ports, { event: "tool.token", by: BROKER }, place, {
    grant: "client_credentials",
    issuer: server.issuer,
    client: client.id,
    scope,
  });
  const tokens = await requestTokens(ports, server, client, {
    grant_type: "client_credentials",
    resource,
    scope: scope.length === 0 ? undefined : scope.join(" "),
  });
  requireWithin(tool, oauth.scope, tokens.scope);
  const alsoSecret = [client.secret, line.previous?.tokens.accessToken].filter((value) => value !== undefined);
  const version = Math.max(Math.floor(tokens.issuedAt.getTime() / 1000), (line.previous?.opened.version ?? 0) + 1);
  const opened = { name: use.name, tenant, environment, workflow, hosts: hostsOf(url), version, value: tokens.accessToken, alsoSecret };
  return { opened, tokens, about: aboutOf(ports, use, place) };
}

function lives({ tokens }: Held, now: Date, spareMs: number): boolean {
  return tokens.expiresAt.getTime() - spareMs > now.getTime();
}

/** A token that was asked for under another tool file, or for another address, is not used any more. */
function aboutOf({ policy, environment }: ToolOAuthPorts, { tool, oauth }: ToolUse, at: At): string {
  return JSON.stringify([oauth, toolUrl(policy(), { ...at, tool }, environment).href]);
}

function ignore(): void {
  return undefined;
}
