import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Connect, Json, JsonObject } from "@bailiwick/policy";
import { isObject, objectAt, objectsAt, stringAt } from "../../packages/broker/src/adapters/mcp-protocol/index.ts";
import { fingerprint } from "../../packages/broker/src/domain/fingerprint.ts";
import type { ToolListing } from "../../packages/broker/src/domain/tool.ts";

export const AGENT = "bailiwick://acme/dev/conformance/runner";

/**
 * Writes a policy folder in which every action of the listing is reviewed and granted to one agent, with all checks on.
 * The files are JSON, which is YAML.
 */
export async function writePolicyFolder(folder: string, connect: Connect, listing: ToolListing): Promise<void> {
  const files: Readonly<Record<string, JsonObject>> = {
    "bailiwick.yaml": {
      version: 1,
      tenants: ["acme"],
      environments: { dev: {} },
      people: { owner: { name: "Owner", email: "owner@acme.example", tenants: ["acme"], roles: ["operator"] } },
    },
    "tools/fixture.yaml": toolFile(connect, listing),
    "roles/runner.yaml": {
      role: "runner",
      reason: "the conformance suites use everything the fixture offers",
      allow: [{ do: "fixture:*" }],
    },
    "agents/conformance.yaml": {
      agent: "runner",
      workflow: "conformance",
      owner: "owner",
      tenants: ["acme"],
      environments: ["dev"],
      roles: ["runner"],
      ceiling: { allow: ["fixture:*"], effects: ["read"] },
      clients: { people: ["operator"] },
    },
  };
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, JSON.stringify(content, null, 2));
  }
}

function toolFile(connect: Connect, listing: ToolListing): JsonObject {
  const actions: Record<string, Json> = {};
  for (const entry of listing.tools) {
    actions[stringAt(entry, "name") ?? ""] = {
      is: "fixture:use",
      effect: "read",
      args: argsOf(entry),
      reviewed: fingerprint(entry),
      timeout: "60s",
    };
  }
  const prompts: Record<string, Json> = {};
  for (const entry of listing.prompts) {
    const args = objectsAt(entry, "arguments").map((argument) => [
      `${stringAt(argument, "name") ?? ""}${argument["required"] === true ? "" : "?"}`,
      "string",
    ]);
    prompts[stringAt(entry, "name") ?? ""] = { is: "fixture:prompt", effect: "read", args: Object.fromEntries(args) };
  }
  return {
    tool: "fixture",
    connect: connectJson(connect),
    actions,
    resources: { "test://*": { is: "fixture:read", effect: "read" } },
    prompts,
  };
}

function connectJson(connect: Connect): JsonObject {
  if (!("mcp" in connect)) throw new Error("the fixture is an MCP server");
  if ("url" in connect.mcp) return { mcp: { url: connect.mcp.url } };
  return { mcp: { command: connect.mcp.command } };
}

function argsOf(entry: JsonObject): JsonObject {
  const schema = objectAt(entry, "inputSchema");
  const required = schema["required"];
  const args = Object.entries(objectAt(schema, "properties")).map(([name, property]): [string, Json] => {
    const type = isObject(property) ? stringAt(property, "type") : undefined;
    const known = type === "string" || type === "integer" || type === "boolean" ? type : "any";
    return [Array.isArray(required) && required.includes(name) ? name : `${name}?`, known];
  });
  return Object.fromEntries(args);
}
