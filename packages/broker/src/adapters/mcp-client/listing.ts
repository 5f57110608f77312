import type { JsonObject } from "@bailiwick/policy";
import { Fault } from "../../domain/fault.ts";
import { ToolError, type ToolListing } from "../../domain/tool.ts";
import { isObject, objectsAt, RPC, stringAt } from "../mcp-protocol/index.ts";
import { MAX_LIST_PAGES } from "./limits.ts";
import type { Agreement } from "./negotiate.ts";
import { paramHeaders } from "./param-headers.ts";

type Ask = (method: string, params: JsonObject) => Promise<JsonObject>;

/** Reads all pages of all lists that the server says it has. @throws Fault | ToolError. */
export async function readListing(tool: string, agreement: Agreement, ask: Ask): Promise<ToolListing> {
  const { capabilities, instructions } = agreement;
  const pages = (offered: boolean, method: string, member: string): Promise<readonly JsonObject[]> =>
    offered ? readPages(tool, method, member, ask) : Promise.resolve([]);
  const hasResources = isObject(capabilities["resources"]);
  const [tools, resources, resourceTemplates, prompts] = await Promise.all([
    pages(isObject(capabilities["tools"]), "tools/list", "tools"),
    pages(hasResources, "resources/list", "resources"),
    pages(hasResources, "resources/templates/list", "resourceTemplates"),
    pages(isObject(capabilities["prompts"]), "prompts/list", "prompts"),
  ]);
  const sound = tools.filter((entry) => paramHeaders(entry) !== undefined);
  return { tools: sound, resources, resourceTemplates, prompts, capabilities, instructions };
}

async function readPages(tool: string, method: string, member: string, ask: Ask): Promise<readonly JsonObject[]> {
  const entries: JsonObject[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_LIST_PAGES; page += 1) {
    const result = await askOptional(method, cursor === undefined ? {} : { cursor }, ask);
    entries.push(...objectsAt(result, member));
    cursor = stringAt(result, "nextCursor");
    if (cursor === undefined || cursor === "") return entries;
  }
  throw new Fault("tool_unavailable", `the tool \`${tool}\` never ends its \`${method}\`: more than ${MAX_LIST_PAGES} pages`);
}

/** Some servers declare resources and know no templates. */
async function askOptional(method: string, params: JsonObject, ask: Ask): Promise<JsonObject> {
  try {
    return await ask(method, params);
  } catch (error) {
    if (error instanceof ToolError && error.code === RPC.methodNotFound) return {};
    throw error;
  }
}
