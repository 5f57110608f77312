import type { CatalogTool, Policy } from "@bailiwick/policy";
import { equippedWith } from "../../call/upstream.ts";
import type { OpenCredential } from "../../domain/credential.ts";
import type { Trial } from "../../domain/credential-keeper.ts";
import { Fault } from "../../domain/fault.ts";
import { ToolError } from "../../domain/tool.ts";
import { probeOf } from "../http-tool/probe.ts";
import type { TryOut } from "../tools/index.ts";

/**
 * Tries a version at every tool of the policy that uses it, through the tool's own kind of connection; login roles' admins at the
 * database whose roles they change. A tool server that answers its list to anybody proves little: the list is what can be asked for.
 */
export async function tryVersion(policy: Policy, tryOut: TryOut, opened: OpenCredential): Promise<Trial> {
  const uses = policy.tools.flatMap((tool) => useOf(tool, opened.name));
  if (uses.length === 0)
    return { outcome: "impossible", why: `no tool of the policy uses \`${opened.name}\`, so there is nothing to try it at` };
  for (const { tool, credential } of uses) {
    // INVARIANT: what is stored of it holds the refresh token, which no tool's server is shown.
    if (credential.from === "oauth")
      return {
        outcome: "impossible",
        why: `\`${opened.name}\` is an OAuth grant; the broker renews it, and a person with \`bailiwick tools connect\``,
      };
    const place = placeholderOfAll(tool, opened);
    if (place !== undefined)
      return {
        outcome: "impossible",
        why: `\`${opened.name}\` is bound to every ${place}, and the address of \`${tool.tool}\` differs by ${place}`,
      };
    if ("http" in tool.connect && probeOf(tool) === undefined)
      return {
        outcome: "impossible",
        why: `\`${tool.tool}\` has no read without arguments in the catalog, and nothing else is without effect`,
      };
    try {
      const { equipment } = equippedWith(tool, credential, opened);
      const { tenant, environment, workflow } = opened;
      await tryOut({ tool: tool.tool, tenant, environment, workflow }, equipment);
    } catch (failure) {
      return { outcome: "failed", why: `\`${tool.tool}\` did not take it: ${sayable(failure)}` };
    }
  }
  return { outcome: "verified", tools: uses.map(({ tool }) => tool.tool) };
}

interface Use {
  readonly tool: CatalogTool;
  readonly credential: NonNullable<CatalogTool["credential"]>;
}

function useOf(tool: CatalogTool, name: string): readonly Use[] {
  const { credential } = tool;
  if (credential === undefined) return [];
  if (credential.name === name) return [{ tool, credential }];
  if (credential.rotate?.postgres?.admin !== name) return [];
  return [{ tool, credential: { name, inject: { login: name } } }];
}

function placeholderOfAll(tool: CatalogTool, { environment, workflow }: OpenCredential): "environment" | "workflow" | undefined {
  const address = JSON.stringify(tool.connect);
  if (environment === "*" && address.includes("${environment}")) return "environment";
  return workflow === "*" && address.includes("${workflow}") ? "workflow" : undefined;
}

/** A tool's own words could hold the value that was tried. */
function sayable(failure: unknown): string {
  if (failure instanceof Fault) return failure.message;
  return failure instanceof ToolError ? `it answered with error ${failure.code}` : "the connection failed";
}
