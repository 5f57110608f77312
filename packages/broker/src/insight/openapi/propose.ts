import type { Effect, HttpRequest, Json, JsonObject } from "@bailiwick/policy";
import { scopeWord } from "../propose-action.ts";
import { isObject, listOf, objectOf, type OpenApiDocument } from "./document.ts";
import { proposedLabels } from "./labels.ts";
import { proposeRequest } from "./request.ts";
import { proposeReturns, type ReturnsProposal } from "./returns.ts";
import type { Fields } from "./schema-types.ts";

/** One action as it is proposed to a reviewer, in the words of a tool's file. */
export interface ProposedRequest {
  readonly name: string;
  readonly is: string;
  readonly effect: Effect;
  /** What the guess rests on, and what else it may be. */
  readonly because: string;
  readonly args: Fields;
  readonly request: HttpRequest;
  readonly returns?: Omit<ReturnsProposal, "fields"> | undefined;
  readonly resource?:
    | { readonly type: string; readonly id: string; readonly before?: string; readonly beforeArgs?: Readonly<Record<string, string>> }
    | undefined;
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** What of the operation an agent cannot use. */
  readonly left: readonly string[];
}

export interface ApiProposal {
  readonly actions: readonly ProposedRequest[];
  readonly types: Readonly<Record<string, Fields>>;
  readonly unmapped: readonly { readonly operation: string; readonly why: string }[];
}

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options", "trace"] as const;
const EFFECTS: Readonly<Record<HttpRequest["method"], Effect>> = {
  GET: "read",
  POST: "write",
  PUT: "write",
  PATCH: "write",
  DELETE: "delete",
};

/** Words of paths and operation ids that say more than the method does. */
const SAYS_MORE: readonly (readonly [Effect, RegExp])[] = [
  ["pay", /(?:^|_)(?:pay|pays|payment|payments|payout|payouts|charge|charges|refund|refunds|transfer|transfers|invoice|invoices)(?:_|$)/u],
  ["send", /(?:^|_)(?:send|sends|email|emails|mail|sms|message|messages|notify|notifications|publish|reply|share)(?:_|$)/u],
  ["grant", /(?:^|_)(?:grant|grants|permission|permissions|role|roles|invite|invites|invitation|invitations|member|members)(?:_|$)/u],
  ["export", /(?:^|_)(?:export|exports|download|backup|dump|report)(?:_|$)/u],
  ["delete", /(?:^|_)(?:delete|remove|purge|erase|destroy|revoke|cancel)(?:_|$)/u],
  ["execute", /(?:^|_)(?:run|execute|trigger|invoke|deploy|restart|start|stop)(?:_|$)/u],
];

/** Proposes an action for each operation. Descriptions are a stranger's words to an agent: none is taken over. */
export function proposeApi(tool: string, document: OpenApiDocument): ApiProposal {
  const actions: ProposedRequest[] = [];
  const names = new Set<string>();
  const types = new Map<string, Fields>();
  const unmapped: { operation: string; why: string }[] = [];
  for (const [path, value] of Object.entries(objectOf(document.root["paths"]))) {
    const item = document.resolve(value);
    if (item === undefined) {
      unmapped.push({ operation: path, why: "it is described outside the document" });
      continue;
    }
    for (const method of METHODS) {
      const operation = item[method];
      if (!isObject(operation)) continue;
      const made = proposeOne(tool, document, { method, path, shared: item["parameters"], operation }, { names, types });
      if ("why" in made) unmapped.push({ operation: `${method.toUpperCase()} ${path}`, why: made.why });
      else actions.push(made);
    }
  }
  const byPath = Map.groupBy(actions, ({ request }) => request.path);
  return {
    actions: actions.map((each) => withRecord(each, byPath.get(each.request.path) ?? [])),
    types: Object.fromEntries(types),
    unmapped,
  };
}

interface At {
  readonly method: string;
  readonly path: string;
  readonly shared: Json | undefined;
  readonly operation: JsonObject;
}

function proposeOne(
  tool: string,
  document: OpenApiDocument,
  at: At,
  so: { readonly names: Set<string>; readonly types: Map<string, Fields> },
): ProposedRequest | { readonly why: string } {
  const made = proposeRequest(document, at);
  if (!made.ok) return made;
  const name = freeName(nameOf(at), so.names);
  so.names.add(name);
  const returns = proposeReturns(document, at.operation, made.args, name);
  const type = returns === undefined ? undefined : declare(so.types, returns);
  const { effect, because } = effectOf(at, made.request.method, name);
  return {
    name,
    is: `${tool}:${scopeWord(name)}`,
    effect,
    because,
    args: made.args,
    request: made.request,
    ...(returns === undefined || type === undefined
      ? {}
      : { returns: { type, at: returns.at, counts: returns.counts, cursor: returns.cursor } }),
    labels: returns === undefined ? {} : proposedLabels(returns.fields),
    left: made.left,
  };
}

function nameOf({ method, path, operation }: At): string {
  const { operationId } = operation;
  const text = typeof operationId === "string" ? operationId : `${method}_${path}`;
  const name = text
    .replaceAll(/[^A-Za-z0-9_-]+/gu, "_")
    .replaceAll(/^[^A-Za-z]+|_+$/gu, "")
    .slice(0, 100);
  return name === "" ? method : name;
}

function freeName(name: string, used: ReadonlySet<string>): string {
  for (let count = 2, free = name; ; count += 1) {
    if (!used.has(free)) return free;
    free = `${name}_${count}`;
  }
}

/** Schemas of one name and other fields (two of a document's operations may bear it) are told apart by a number. */
function declare(types: Map<string, Fields>, { type, fields }: ReturnsProposal): string {
  const text = JSON.stringify(fields);
  for (let count = 2, name = type; ; count += 1) {
    const known = types.get(name);
    if (known === undefined) types.set(name, fields);
    if (known === undefined || JSON.stringify(known) === text) return name;
    name = `${type}${count}`;
  }
}

function effectOf(
  { path, operation }: At,
  method: HttpRequest["method"],
  name: string,
): { readonly effect: Effect; readonly because: string } {
  const effect = EFFECTS[method];
  const words = scopeWord(`${path}_${name}_${listOf(operation["tags"]).map(String).join("_")}`);
  const more = SAYS_MORE.filter(([other, pattern]) => other !== effect && pattern.test(words)).map(([other]) => `\`${other}\``);
  const guess =
    more.length === 0 || (effect === "read" && !more.includes("`export`")) ? "" : `; its words say that it may be ${more.join(" or ")}`;
  return { effect, because: `from its method ${method}${guess}` };
}

/** The record that an action is about, where another reads just that one from the same path: it can then be looked at before. */
function withRecord(action: ProposedRequest, samePath: readonly ProposedRequest[]): ProposedRequest {
  const { path, params } = action.request;
  const last = /\{([^{}]*)\}$/u.exec(path)?.[1];
  const id = last === undefined ? undefined : params[last];
  const reader = samePath.find(({ effect, request, returns, args }) => {
    const needed = Object.keys(args).filter((key) => !key.endsWith("?"));
    return effect === "read" && returns?.at === "result" && needed.length === Object.keys(request.params).length;
  });
  if (id === undefined || reader?.returns === undefined) return action;
  const { type } = reader.returns;
  if (reader.name === action.name) return { ...action, resource: { type, id } };
  const beforeArgs = Object.fromEntries(
    Object.entries(reader.request.params).map(([param, argument]) => [argument.slice("args.".length), params[param] ?? ""]),
  );
  return { ...action, resource: { type, id, before: reader.name, beforeArgs } };
}
