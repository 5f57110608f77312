import type { ElevationWish } from "../domain/ask-elevation.ts";

const SCOPE = /^[a-z][a-z0-9_-]*:(?:\*|[a-z][a-z0-9_-]*(?::[A-Za-z_$][\w$-]*)?)$/u;
const ROLE = /^[a-z][a-z0-9_-]{0,63}$/u;
const MEMBERS: ReadonlySet<string> = new Set(["role", "scope", "reason", "minutes"]);
/** A reason is a sentence or two for whoever answers. */
const MAX_REASON_CHARS = 1_000;
/** A longer list should be a role. */
const MAX_SCOPES = 50;
/** The longest time that any policy gives a right for is 30 days. */
const MAX_MINUTES = 30 * 24 * 60;

type Wished = Pick<ElevationWish, "role" | "scope" | "reason" | "forMs">;

/** What an agent asks for, checked by hand: `{role?, scope?, reason, minutes?}`, `scope` as in OAuth or as a list. */
export function readWish(args: unknown): Wished | { readonly problem: string } {
  if (!isRecord(args)) return { problem: "the arguments are no object; send `role` or `scope`, and `reason`" };
  const unknown = Object.keys(args).find((name) => !MEMBERS.has(name));
  if (unknown !== undefined)
    return { problem: `there is no argument \`${unknown.slice(0, 50).toWellFormed()}\`; send ${[...MEMBERS].join(", ")}` };
  const { role, reason, minutes } = args;
  const scope = scopesIn(args["scope"]);
  if (scope === undefined) return { problem: "`scope` is no list of scopes such as `tickets:update`; name them with a space between" };
  if (role !== undefined && (typeof role !== "string" || !ROLE.test(role))) return { problem: "`role` is no name of a role" };
  if (role === undefined && scope.length === 0) return { problem: "neither `role` nor `scope` is said; name what is needed, and no more" };
  if (typeof reason !== "string" || reason.trim() === "" || reason.length > MAX_REASON_CHARS)
    return { problem: `\`reason\` is missing or longer than ${MAX_REASON_CHARS} characters; say in a sentence why it is needed` };
  if (minutes !== undefined && (typeof minutes !== "number" || !Number.isInteger(minutes) || minutes < 1 || minutes > MAX_MINUTES))
    return { problem: `\`minutes\` is no whole number from 1 to ${MAX_MINUTES}` };
  return {
    ...(role === undefined ? {} : { role }),
    scope,
    reason: reason.trim(),
    ...(minutes === undefined ? {} : { forMs: minutes * 60_000 }),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function scopesIn(value: unknown): readonly string[] | undefined {
  if (value === undefined) return [];
  const list: readonly unknown[] =
    typeof value === "string" ? value.split(" ").filter((each) => each !== "") : Array.isArray(value) ? value : [undefined];
  const scopes = list.filter((each): each is string => typeof each === "string" && each.length <= 256 && SCOPE.test(each));
  return scopes.length === list.length && scopes.length <= MAX_SCOPES ? [...new Set(scopes)] : undefined;
}
