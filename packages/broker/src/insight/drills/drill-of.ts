import { type CatalogAction, concealedFields, type FieldType, findAction, type Json, type Mask, type Policy } from "@bailiwick/policy";
import { argumentsDigest } from "../../call/identify.ts";
import { readPath, writePath } from "../../call/paths.ts";
import type { Approval, Reach } from "../../domain/approval.ts";

/** How far beyond the largest amount that was ever asked for. */
const FAR = 25;
const CENTS = 100;

export interface DrillMaking {
  readonly policy: Policy;
  /** Past questions of the tenant, so that an amount is far beyond all of them. */
  readonly seen: readonly Approval[];
  /** Domain of the invented destination. */
  readonly domain: string;
  readonly id: string;
  readonly callId: string;
  readonly now: Date;
}

/**
 * A copy of a past question that nobody who looks would approve: its destination is strange, or its amount is absurd. Undefined when the question has
 * neither, or a yes to it is signed: nobody is made to sign what is not so. Pure.
 */
export function drillOf(past: Approval, making: DrillMaking): Approval | undefined {
  const action = findAction(making.policy, past.operation);
  if (action === undefined || past.drill === true || past.terms.stepUp) return undefined;
  // Who holds no role sees the least; nobody is tested on what they may not see.
  const masks = concealedFields(making.policy, action, { roles: [] });
  const change = otherDestination(past, action, making.domain, masks) ?? farAmount(past, action, making.seen, masks);
  if (change === undefined) return undefined;
  const { path, value } = change;
  const args = writePath(past.args, path, value);
  const [argument = path] = path.split(".");
  const { supersedes: _, ...rest } = past;
  return {
    ...rest,
    id: making.id,
    callId: making.callId,
    args,
    argsDigest: argumentsDigest(past.operation, args),
    policyVersion: making.policy.version,
    diff: past.diff.map((each) =>
      each.path === argument || each.path === path ? { ...each, after: readPath(args, each.path) ?? value } : each,
    ),
    reach: reachWith(past.reach, path, value),
    origins: past.origins.map((each) =>
      each.argument === path || each.argument === argument ? { argument: each.argument, from: "agent" } : each,
    ),
    drill: true,
    state: "pending",
    createdAt: making.now,
    expiresAt: new Date(making.now.getTime() + past.expiresAt.getTime() - past.createdAt.getTime()),
    answers: [],
  };
}

type Masks = ReadonlyMap<string, Mask>;

/** A mask on a field covers what is inside. */
function maskOver(path: string, masks: Masks): Mask | undefined {
  return [...masks].find(([field]) => path === field || path.startsWith(`${field}.`))?.[1];
}

interface Change {
  /** Below the arguments. */
  readonly path: string;
  readonly value: Json;
}

function otherDestination({ args }: Approval, action: CatalogAction, domain: string, masks: Masks): Change | undefined {
  for (const path of action.destination.map(belowArguments)) {
    const value = readPath(args, path);
    if (typeof value !== "string") continue;
    const there = at(value, domain);
    const mask = maskOver(path, masks);
    // `partial` leaves the domain of a mailbox in sight, and that is what is strange.
    if (mask !== undefined && !(mask === "partial" && value.includes("@"))) continue;
    if (there !== undefined && there !== value) return { path, value: there };
  }
  return undefined;
}

/** The same mailbox or page at another place; undefined for texts that are neither. */
function at(value: string, domain: string): string | undefined {
  const mailbox = /^([^\s@]+)@[^\s@]+$/u.exec(value)?.[1];
  if (mailbox !== undefined) return `${mailbox}@${domain}`;
  if (!/^https?:\/\//iu.test(value) || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  url.host = domain;
  return url.href;
}

function farAmount({ args, operation }: Approval, action: CatalogAction, seen: readonly Approval[], masks: Masks): Change | undefined {
  if (action.cost === undefined) return undefined;
  const path = belowArguments(action.cost);
  if (maskOver(path, masks) !== undefined) return undefined;
  const amounts = [
    args,
    ...seen.filter((each) => each.operation.name === operation.name && each.operation.tool === operation.tool).map((each) => each.args),
  ]
    .map((each) => readPath(each, path))
    .filter((each) => typeof each === "number");
  const most = amounts.reduce((high, each) => Math.max(high, each), 0);
  if (typeof readPath(args, path) !== "number" || most <= 0) return undefined;
  const far = most * FAR;
  const type: FieldType | undefined = action.args[path] ?? action.args[`${path}?`];
  return { path, value: type === "integer" ? Math.ceil(far) : Math.ceil(far * CENTS) / CENTS };
}

function reachWith(reach: Reach, path: string, value: Json): Reach {
  return {
    ...reach,
    ...(typeof value === "number" && reach.cost !== undefined ? { cost: value } : {}),
    destinations: reach.destinations.map((each) =>
      typeof value === "string" && belowArguments(each.argument) === path ? { ...each, value, external: true } : each,
    ),
  };
}

function belowArguments(path: string): string {
  return path.replace(/^args\./u, "");
}
