import { suggestion } from "../files/did-you-mean.ts";
import type { ToolFile } from "../files/schemas.ts";
import type { Report, Source } from "../files/source.ts";
import { declaredKey, declaredNames, isListType, isRecordType, typeAt } from "../facts/field-path.ts";
import type { FieldType, Span } from "../types.ts";
import { reportError } from "./findings.ts";

type Action = ToolFile["actions"][string];
type Request = NonNullable<Action["request"]>;
type At = (...path: readonly string[]) => Span;

/** Headers that say who sends, where the request ends or what it does: the broker's to set, never an argument's. */
const RESERVED_HEADERS =
  /^(?:authorization|proxy-.*|host|cookie2?|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-(?:length|type|encoding)|accept-encoding|expect|forwarded|via|x-forwarded-.*|x-real-ip|x-http-method(?:-override)?|x-method-override|x-original-(?:url|method)|x-rewrite-url|http2-settings)$/iu;
/** RFC 9110 section 5.6.2: a field name is a token. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/u;

/** An http tool: its address, how its credential is put on the wire, and that all it offers are requests. */
export function checkHttpTool(source: Source, tool: ToolFile, report: Report): void {
  if (!("http" in tool.connect)) return;
  const { url } = tool.connect.http;
  if (!url.includes("${") && !isAddress(url)) {
    reportError(report, {
      code: "request",
      at: source.at(["connect", "http", "url"]),
      what: `\`${url}\` is no http or https address without user, query and fragment`,
      why: "every request of this tool goes to it",
      write: "`url: https://api.example/v2`",
    });
  }
  if (tool.credential !== undefined && !("header" in tool.credential.inject)) {
    reportError(report, {
      code: "request",
      at: source.at(["credential", "inject"]),
      what: "the credential of an http tool is not put into a header",
      why: "a request carries it in no other place",
      write: '`inject: { header: authorization, format: "Bearer {value}" }`',
    });
  }
  for (const [kind, entries] of Object.entries({ resources: tool.resources, prompts: tool.prompts })) {
    const [first] = Object.keys(entries);
    if (first === undefined) continue;
    reportError(report, {
      code: "request",
      at: source.at([kind, first]),
      what: `an http tool has no \`${kind}\``,
      why: "only its actions are sent, each as one request",
      write: "an action with `request: { method: GET, path: ... }`",
    });
  }
}

/** That an action is one request exactly where its tool is reached by http, and that the request is made of arguments that exist. */
export function checkRequest(source: Source, tool: ToolFile, name: string, report: Report): void {
  const action = tool.actions[name];
  if (action === undefined) return;
  const { request } = action;
  const at: At = (...path) => source.at(["actions", name, ...path]);
  if ("http" in tool.connect !== (request !== undefined)) {
    reportError(report, {
      code: "request",
      at: at(),
      what: request === undefined ? `\`${name}\` has no \`request\`` : `\`${name}\` has a \`request\` but its tool is not reached by http`,
      why: "only requests that a person reviewed are sent to an API",
      write: request === undefined ? "`request: { method: GET, path: /tickets/{id}, params: { id: args.id } }`" : "remove `request`",
    });
  }
  if (request === undefined) return;
  checkPath(request, at, report);
  for (const [param, path] of Object.entries(request.params)) checkParam(action, path, at("request", "params", param), report);
  for (const [key, path] of Object.entries(request.query)) checkValue(action, path, "query", at("request", "query", key), report);
  for (const [header, path] of Object.entries(request.headers)) {
    checkHeader(tool, header, at("request", "headers", header), report);
    checkValue(action, path, "header", at("request", "headers", header), report);
  }
  checkBody(action, request, at, report);
}

function isAddress(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function checkPath({ path, params }: Request, at: At, report: Report): void {
  const literal = path.replaceAll(/\{[^{}]*\}/gu, "x");
  if (
    /[{}]/u.test(literal) ||
    /%(?:2e|2f|5c)/iu.test(literal) ||
    segmentsOf(literal).some((part) => part === "" || part === "." || part === "..")
  ) {
    reportError(report, {
      code: "request",
      at: at("request", "path"),
      what: `\`${path}\` has an empty, \`.\` or \`..\` segment, an encoded one, or a brace without its other`,
      why: "servers read such a path in different ways",
      write: "`path: /tickets/{id}`",
    });
  }
  const placeholders = new Set([...path.matchAll(/\{([^{}]*)\}/gu)].map(([, name]) => name ?? ""));
  for (const name of new Set([...placeholders, ...Object.keys(params)])) {
    const placed = placeholders.has(name);
    if (placed && Object.hasOwn(params, name)) continue;
    reportError(report, {
      code: "request",
      at: placed ? at("request", "path") : at("request", "params", name),
      what: placed ? `\`{${name}}\` of the path is not in \`params\`` : `the path has no \`{${name}}\``,
      why: "a path is filled with exactly its `params`",
      write: placed ? `\`params: { ${name}: args.${name} }\`` : `\`{${name}}\` in the path, or remove it from \`params\``,
    });
  }
}

/** The last segment may be empty: a path may end with a slash. */
function segmentsOf(path: string): readonly string[] {
  const parts = path.slice(1).split("/");
  return parts.at(-1) === "" ? parts.slice(0, -1) : parts;
}

function checkParam(action: Action, path: string, at: Span, report: Report): void {
  const type = requireArgument(action, path, at, report);
  if (type === undefined || (isSingle(type) && !isOptional(action, path))) return;
  reportError(report, {
    code: "request",
    at,
    what: `\`${path}\` may be absent or is no single value`,
    why: "a path cannot be made without it",
    write: "a required argument of type `string` or `integer`",
  });
}

function checkValue(action: Action, path: string, place: "query" | "header", at: Span, report: Report): void {
  const type = requireArgument(action, path, at, report);
  if (type === undefined || isSingle(type) || (place === "query" && isListType(type) && isSingle(type[0]))) return;
  reportError(report, {
    code: "request",
    at,
    what: `\`${path}\` is no single value${place === "query" ? " and no list of such" : ""}`,
    why: `a ${place === "query" ? "query parameter" : "header"} is one text`,
    write: "an argument of type `string`, or put it into `body`",
  });
}

/** Whether an argument may be sent as this header, apart from one that carries the tool's credential. */
export function isArgumentHeader(header: string): boolean {
  return HEADER_NAME.test(header) && !RESERVED_HEADERS.test(header);
}

function checkHeader({ credential }: ToolFile, header: string, at: Span, report: Report): void {
  const own = credential !== undefined && "header" in credential.inject ? credential.inject.header.toLowerCase() : undefined;
  if (isArgumentHeader(header) && header.toLowerCase() !== own) return;
  reportError(report, {
    code: "request",
    at,
    what: `no argument may set the header \`${header}\``,
    why: "it is no header name, or says who sends, where the request ends or what it really does",
    write: "another header, such as `if-match`, or none",
  });
}

function checkBody(action: Action, { body, method }: Request, at: At, report: Report): void {
  if (body === undefined) return;
  if (method === "GET") {
    reportError(report, {
      code: "request",
      at: at("request", "body"),
      what: "a GET has a body",
      why: "servers and proxies disagree on what it means (RFC 9110 section 9.3.1)",
      write: "`query` instead, or the method POST",
    });
  }
  if (typeof body === "string") {
    if (body !== "args") requireArgument(action, body, at("request", "body"), report);
    return;
  }
  for (const [member, path] of Object.entries(body)) requireArgument(action, path, at("request", "body", member), report);
}

/** The argument's type; reported and undefined where there is no such argument. */
function requireArgument(action: Action, path: string, at: Span, report: Report): FieldType | undefined {
  const [root, ...steps] = path.split(".");
  const forced = steps.length === 1 && Object.hasOwn(action.force, steps[0] ?? "");
  const type = root === "args" && steps.length > 0 ? (typeAt(action.args, steps) ?? (forced ? "string" : undefined)) : undefined;
  if (type !== undefined) return type;
  reportError(report, {
    code: "invalid-path",
    at,
    what: `\`${path}\` is not an argument of this action`,
    why: "the value would always be missing",
    write: suggestion(
      path,
      declaredNames(action.args).map((name) => `args.${name}`),
      "declare it under `args`",
    ),
  });
  return undefined;
}

function isSingle(type: FieldType): boolean {
  return type !== "any" && !isListType(type) && !isRecordType(type);
}

/** Whether any step of the path may be absent. Arguments that the broker sets are always there. */
function isOptional({ args, force }: Action, path: string): boolean {
  const [, ...steps] = path.split(".");
  if (steps.length === 1 && Object.hasOwn(force, steps[0] ?? "")) return false;
  let fields: { readonly [key: string]: FieldType } = args;
  for (const step of steps) {
    const entry: readonly [string, FieldType] | undefined = Object.entries(fields).find(([key]) => declaredKey(key).name === step);
    if (entry === undefined || declaredKey(entry[0]).optional) return true;
    fields = isRecordType(entry[1]) ? entry[1] : {};
  }
  return false;
}
