import type { Json, JsonObject } from "@bailiwick/policy";
import { type CursorOwner, openCursor, sealCursor } from "./cursor-seal.ts";
import type { CallPorts } from "./ports.ts";
import { isFiltered } from "./present-result.ts";
import { Refusal } from "./refusal.ts";
import type { DecidedCall } from "./types.ts";

/**
 * The argument in which a sealed cursor comes back, as the tool knows it; undefined when there is none. Who sees all records has cursors as
 * the tool made them, so that only who sees them filtered must show a sealed one.
 * @throws Refusal `argument_invalid`.
 */
export function openedCursor({ maskSalt }: Pick<CallPorts, "maskSalt">, call: DecidedCall): JsonObject | undefined {
  const arg = cursorArgument(call);
  const given = arg !== undefined && Object.hasOwn(call.args, arg) ? call.args[arg] : undefined;
  // An empty text and `null` ask for the first page, as no argument does.
  if (arg === undefined || given === undefined || given === null || given === "") return undefined;
  const value = typeof given === "string" ? openCursor(maskSalt, ownerOf(call, arg), given) : undefined;
  if (value !== undefined) return { [arg]: value };
  if (!isFiltered(call)) return undefined;
  throw new Refusal(
    "argument_invalid",
    `argument \`${arg}\` holds no cursor that this session was given for this action; leave it out and start from the first page`,
    { next: [{ kind: "narrow", field: arg, allowed: [] }] },
  );
}

/** How cursors of this call are handed out. */
export function sealing({ maskSalt }: Pick<CallPorts, "maskSalt">, call: DecidedCall): (cursor: Json) => string {
  const owner = ownerOf(call, cursorArgument(call) ?? "");
  return (cursor) => sealCursor(maskSalt, owner, cursor);
}

function cursorArgument({ action }: DecidedCall): string | undefined {
  return action.returns?.cursor?.arg.slice("args.".length);
}

function ownerOf({ session, operation }: DecidedCall, arg: string): CursorOwner {
  return { tenant: session.tenant, session: session.id, operation, arg };
}
