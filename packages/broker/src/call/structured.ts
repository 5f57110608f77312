import type { Json, JsonObject } from "@bailiwick/policy";
import { jsonText } from "./json-text.ts";
import { isObject } from "./paths.ts";

/** The structured value of an MCP result: `structuredContent`, else the first of its parts that is JSON. Undefined when there is neither. */
export function structuredOf(result: JsonObject): Json | undefined {
  return result["structuredContent"] ?? piecesOf(result).find((piece) => piece !== undefined);
}

/**
 * The parts of a result of a tool, a resource or a prompt, each as the JSON that its text holds; undefined for prose, images, links and bytes.
 */
export function piecesOf({ content, contents, messages }: JsonObject): readonly (Json | undefined)[] {
  if (Array.isArray(content)) return content.map((block: Json) => jsonIn(textOf(block)));
  if (Array.isArray(contents)) return contents.map((resource: Json) => jsonIn(memberOf(resource, "text")));
  if (Array.isArray(messages)) return messages.map((message: Json) => jsonIn(textOf(memberOf(message, "content"))));
  return [];
}

/** The text of a text block or of an embedded resource. */
function textOf(block: Json | undefined): Json | undefined {
  const type = memberOf(block, "type");
  if (type === "text") return memberOf(block, "text");
  return type === "resource" ? memberOf(memberOf(block, "resource"), "text") : undefined;
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function jsonIn(text: Json | undefined): Json | undefined {
  return typeof text === "string" ? jsonText(text) : undefined;
}
