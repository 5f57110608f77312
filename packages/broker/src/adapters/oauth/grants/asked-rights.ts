import type { JsonObject, RowBound } from "@bailiwick/policy";
import { z } from "zod";
import { RUN_NAME, type SessionLimits } from "../../../domain/session.ts";
import { OAuthError } from "../oauth-error.ts";

/** What a token request asks the session to be, from its form and its `authorization_details`; nothing of it is granted yet. */
export interface AskedRights {
  /** Undefined: all that may be had. */
  readonly scope: readonly string[] | undefined;
  readonly task: string | undefined;
  /** The execution of the agent's job that the session shall belong to. */
  readonly run: string | undefined;
  readonly data: JsonObject;
  readonly rows: readonly RowBound[];
  readonly limits: SessionLimits;
}

/** The one type of `authorization_details` (RFC 9396 section 2) of this broker. */
export const TASK_TYPE = "bailiwick_task";

/** What a session is about is a handful of identifiers, not a document. */
const MAX_DETAILS_CHARS = 16_384;
/** Deeper nesting says nothing more, and whatever walks it would exhaust the stack. */
const MAX_DETAILS_DEPTH = 16;
/** A scope list names actions one by one; a longer one should be a role. */
const MAX_SCOPES = 200;

const scopeToken = z.string().regex(/^[a-z][a-z0-9_-]*:(?:\*|[a-z][a-z0-9_-]*(?::[A-Za-z_$][\w$-]*)?)$/u);
const scopes = z.array(scopeToken).min(1).max(MAX_SCOPES);
const task = z
  .string()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}+$/u);
const run = z.string().regex(RUN_NAME);
const data = z.record(z.string(), z.json());
const word = z.string().min(1).max(256);
const detail = z.strictObject({
  type: z.literal(TASK_TYPE),
  scope: scopes.optional(),
  rows: z.record(word, z.record(word, z.array(z.string().max(256)).max(MAX_SCOPES))).optional(),
  limits: z
    .strictObject({
      calls: z.int().nonnegative().optional(),
      records: z.int().nonnegative().optional(),
      cost: z.number().nonnegative().optional(),
    })
    .optional(),
  task: task.optional(),
  data: data.optional(),
});

/**
 * Reads `scope`, `task`, `run`, `data` and `authorization_details` of a token request. What the form and the details both say must be the same:
 * a request with two meanings has none.
 * @throws OAuthError `invalid_request`, `invalid_scope`.
 */
export function askedRights(form: Readonly<Record<string, string>>): AskedRights {
  const said = detailOf(form["authorization_details"]);
  return {
    scope: one("scope", scopeOf(form["scope"]), said?.scope),
    task: one("task", part("task", task, form["task"]), said?.task),
    // Whose sessions belong together is for who opens them to say; a person's consent is to what they may do.
    run: part("run", run, form["run"]),
    data: one("data", form["data"] === undefined ? undefined : part("data", data, jsonOf("data", form["data"])), said?.data) ?? {},
    rows: said?.rows === undefined ? [] : [said.rows],
    limits: said?.limits ?? {},
  };
}

function detailOf(text: string | undefined): z.output<typeof detail> | undefined {
  if (text === undefined) return undefined;
  const list = part("authorization_details", z.array(detail).max(1), jsonOf("authorization_details", text));
  return list?.[0];
}

function scopeOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const parsed = scopes.safeParse([...new Set(text.split(" ").filter((token) => token !== ""))]);
  if (parsed.success) return parsed.data;
  throw new OAuthError(
    "invalid_scope",
    `\`scope\` is a list of 1 to ${MAX_SCOPES} \`tool:action\` names with a space between; write for example \`tickets:read tickets:update\``,
  );
}

function jsonOf(name: string, text: string): unknown {
  try {
    const value: unknown = text.length <= MAX_DETAILS_CHARS ? JSON.parse(text) : undefined;
    if (value !== undefined && isFlatEnough(value)) return value;
  } catch {
    // Falls to the same refusal.
  }
  throw new OAuthError(
    "invalid_request",
    `\`${name}\` is not JSON of at most ${MAX_DETAILS_CHARS} characters and ${MAX_DETAILS_DEPTH} levels; see docs/spec/oauth.md for its form`,
  );
}

/** Level by level: walking down into each value is what an attacker would like. */
export function isFlatEnough(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DETAILS_DEPTH) return false;
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return true;
}

function part<S extends z.ZodType>(name: string, schema: S, value: unknown): z.output<S> | undefined {
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const at = [name, ...(parsed.error.issues[0]?.path ?? [])].join(".");
  throw new OAuthError("invalid_request", `\`${at.slice(0, 120)}\` is missing, unknown or not valid; see docs/spec/oauth.md for its form`);
}

function one<T>(name: string, inForm: T | undefined, inDetails: T | undefined): T | undefined {
  if (inForm !== undefined && inDetails !== undefined && JSON.stringify(inForm) !== JSON.stringify(inDetails))
    throw new OAuthError(
      "invalid_request",
      `\`${name}\` is said twice and differently, in the form and in \`authorization_details\`; say it once`,
    );
  return inForm ?? inDetails;
}
