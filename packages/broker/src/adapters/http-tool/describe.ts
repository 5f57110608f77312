import type { CatalogAction, JsonObject } from "@bailiwick/policy";
import { schemaOfFields } from "../postgres-tool/describe.ts";

/** One action in MCP's shape; the catalog says what it takes. Its path is not shown: an agent needs only the arguments. */
export function describeRequest(action: CatalogAction): JsonObject {
  const visible = Object.fromEntries(Object.entries(action.args).filter(([name]) => !(name.replace(/\?$/u, "") in action.force)));
  return {
    name: action.operation.name,
    description: action.description ?? `calls an API (${action.scope}, ${action.effect})`,
    inputSchema: schemaOfFields(visible),
    annotations: {
      readOnlyHint: action.effect === "read",
      destructiveHint: action.effect !== "read" && action.effect !== "write",
      openWorldHint: true,
    },
  };
}
