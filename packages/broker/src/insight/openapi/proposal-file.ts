import { Document, isMap, parseDocument, YAMLMap } from "yaml";
import type { JsonObject } from "@bailiwick/policy";
import { objectOf, type OpenApiDocument } from "./document.ts";
import type { ApiProposal, ProposedRequest } from "./propose.ts";

/** A tool's file with what was proposed, and what was left as it is because a person has written it already. */
export interface WrittenFile {
  readonly text: string;
  readonly added: readonly string[];
  readonly kept: readonly string[];
}

/** A whole file for a tool that has none. `base` is the address the document was read from, for servers that are relative to it. */
export function newToolFile(tool: string, document: OpenApiDocument, proposal: ApiProposal, base: string | undefined): string {
  const file = new Document({ tool, connect: { http: { url: addressOf(tool, document, base) } } });
  const credential = credentialOf(tool, document);
  if (credential !== undefined) file.set("credential", file.createNode(credential));
  return merged(file, proposal).text;
}

/** The same added to what is there: entries of the same name stay as a person wrote them. Undefined when the text is no tool file over http. */
export function extendedToolFile(text: string, proposal: ApiProposal): WrittenFile | undefined {
  const file = parseDocument(text);
  if (file.errors.length > 0 || !isMap(file.contents) || !isMap(file.getIn(["connect", "http"]))) return undefined;
  return merged(file, proposal);
}

function merged(file: Document.Parsed | Document, { actions, types }: ApiProposal): WrittenFile {
  for (const key of ["types", "actions"]) if (!isMap(file.get(key))) file.set(key, new YAMLMap());
  for (const [name, fields] of Object.entries(types)) {
    if (!file.hasIn(["types", name])) file.setIn(["types", name], flow(file, fields));
  }
  const isKept = ({ name }: ProposedRequest): boolean => file.hasIn(["actions", name]);
  const kept = actions.filter(isKept).map(({ name }) => name);
  const fresh = actions.filter((each) => !isKept(each));
  for (const action of fresh) file.setIn(["actions", action.name], entryOf(file, action));
  return { text: file.toString({ lineWidth: 0 }), added: fresh.map(({ name }) => name), kept };
}

/** Marked as nobody's work yet: a person reads it and takes the mark away. */
function entryOf(file: Document.Parsed | Document, action: ProposedRequest): YAMLMap {
  const { is, effect, because, args, request, returns, resource, labels, left } = action;
  const marked = file.createNode(effect);
  marked.comment = ` REVIEW: ${because}`;
  const entry = new YAMLMap();
  entry.set("is", is);
  entry.set("effect", marked);
  if (Object.keys(args).length > 0) entry.set("args", flow(file, args));
  entry.set("request", flow(file, withoutEmpty(request)));
  if (resource !== undefined) entry.set("resource", flow(file, resource));
  if (returns !== undefined) entry.set("returns", flow(file, withoutEmpty(returns)));
  if (Object.keys(labels).length > 0) entry.set("labels", flow(file, labels));
  if (left.length > 0) entry.comment = ` REVIEW: agents cannot set ${left.map(printableName).join(", ")}`;
  return entry;
}

function flow(file: Document.Parsed | Document, value: unknown): unknown {
  return file.createNode(value, { flow: true });
}

function withoutEmpty(value: object): JsonObject {
  const entries: [string, JsonObject[string]][] = Object.entries(value);
  return Object.fromEntries(
    entries.filter(([, each]) => each !== undefined && !(typeof each === "object" && each !== null && Object.keys(each).length === 0)),
  );
}

/** A comment ends with its line, so a name must not bring one. */
function printableName(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, "?").slice(0, 200);
}

function addressOf(tool: string, { root }: OpenApiDocument, base: string | undefined): string {
  const [server] = Array.isArray(root["servers"]) ? root["servers"] : [];
  const text = objectOf(server)["url"];
  const url = typeof text === "string" && !text.includes("{") ? URL.parse(text, base) : null;
  if (url !== null && url.protocol === "https:" && url.username === "" && url.search === "" && url.hash === "")
    return url.href.replace(/\/$/u, "");
  return `\${env:${tool.toUpperCase().replaceAll(/[^A-Z0-9]/gu, "_")}_URL}`;
}

/** The first way to sign in that a header carries. */
function credentialOf(tool: string, { root, resolve }: OpenApiDocument): JsonObject | undefined {
  const schemes = Object.values(objectOf(objectOf(root["components"])["securitySchemes"])).map((each) => objectOf(resolve(each)));
  for (const { type, in: place, name, scheme } of schemes) {
    if (type === "apiKey" && place === "header" && typeof name === "string") return { name: `${tool}-api`, inject: { header: name } };
    const basic = type === "http" && String(scheme).toLowerCase() === "basic";
    if (basic) return { name: `${tool}-api`, inject: { header: "authorization", format: "Basic {value}" } };
    const bearer = type === "http" && String(scheme).toLowerCase() === "bearer";
    if (bearer || type === "oauth2" || type === "openIdConnect")
      return { name: `${tool}-api`, inject: { header: "authorization", format: "Bearer {value}" } };
  }
  return undefined;
}
