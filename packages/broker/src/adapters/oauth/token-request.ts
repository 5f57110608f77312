import type { JsonObject } from "@bailiwick/policy";
import { z } from "zod";
import { OAuthError } from "./oauth-error.ts";

/** A token request after its form was checked (RFC 6749 section 4.4.2 with RFC 7523 section 2.2). */
export interface TokenRequest {
  readonly assertion: string;
  /** Present when the agent also sent `client_id`; it must equal the assertion's subject. */
  readonly clientId: string | undefined;
  readonly user: string;
  readonly task: string;
  readonly data: JsonObject;
  /** Undefined: everything the agent's ceiling allows. */
  readonly scope: readonly string[] | undefined;
  readonly resource: string | undefined;
}

/** What a session is about is a handful of identifiers, not a document. */
const MAX_DATA_CHARS = 16_384;
/** A scope list names actions one by one; a longer one should be a role. */
const MAX_SCOPES = 200;

const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const line = (max: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^\P{Cc}+$/u);

const form = z.object({
  grant_type: z.string(),
  client_assertion_type: z.literal(JWT_BEARER),
  client_assertion: z.string().min(1),
  client_id: z.string().optional(),
  user: line(256),
  task: line(200),
  data: z.string().max(MAX_DATA_CHARS).optional(),
  scope: z.string().max(MAX_DATA_CHARS).optional(),
  resource: z.string().max(2_048).optional(),
});

const json: z.ZodType<JsonObject> = z.record(z.string(), z.json());
/** RFC 6749 section 3.3 allows more characters; ours are `tool:action`, `tool:*` and `tool:action:field`. */
const scopeToken = /^[a-z][a-z0-9_-]*:(?:\*|[a-z][a-z0-9_-]*(?::[A-Za-z_$][\w$-]*)?)$/u;

/** @throws OAuthError `invalid_request`, `unsupported_grant_type`, `invalid_client` or `invalid_scope`. */
export function parseTokenRequest(contentType: string | undefined, body: string): TokenRequest {
  if (contentType === undefined || !/^application\/x-www-form-urlencoded\s*(;|$)/iu.test(contentType)) {
    throw invalidRequest("send the token request as `application/x-www-form-urlencoded`");
  }
  const fields = singleFields(body);
  if (fields["grant_type"] === undefined) throw invalidRequest("`grant_type` is missing; send `client_credentials`");
  if (fields["grant_type"] !== "client_credentials") {
    throw new OAuthError("unsupported_grant_type", "only `client_credentials` is offered here");
  }
  if (fields["client_assertion"] === undefined) {
    throw new OAuthError("invalid_client", "the request carries no `client_assertion`; sign one with the agent's key (RFC 7523)");
  }
  const parsed = form.safeParse(fields);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalidRequest(`\`${issue?.path.join(".") ?? "form"}\` is missing or not valid: ${issue?.message ?? "unreadable"}`);
  }
  const { data } = parsed;
  return {
    assertion: data.client_assertion,
    clientId: data.client_id,
    user: data.user,
    task: data.task,
    data: parseData(data.data),
    scope: parseScope(data.scope),
    resource: data.resource,
  };
}

/** RFC 6749 section 3.2: parameters must not be included more than once. */
function singleFields(body: string): Readonly<Record<string, string>> {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(body)) {
    if (name in fields) throw invalidRequest("a parameter is sent twice; send each once");
    if (value !== "") fields[name] = value;
  }
  return fields;
}

function parseData(text: string | undefined): JsonObject {
  if (text === undefined) return {};
  try {
    return json.parse(JSON.parse(text));
  } catch {
    throw invalidRequest('`data` is not a JSON object; send for example `{"ticket":"T-17"}`');
  }
}

function parseScope(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const scopes = [...new Set(text.split(" ").filter((token) => token !== ""))];
  const bad = scopes.find((token) => !scopeToken.test(token));
  if (scopes.length === 0 || scopes.length > MAX_SCOPES || bad !== undefined) {
    throw new OAuthError(
      "invalid_scope",
      `\`scope\` is a list of 1 to ${MAX_SCOPES} \`tool:action\` names with a space between; write for example \`tickets:read tickets:update\``,
    );
  }
  return scopes;
}

function invalidRequest(message: string): OAuthError {
  return new OAuthError("invalid_request", message);
}
