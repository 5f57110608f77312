import { COUNTERS, COUNTER_NAMES, ONE_CALL } from "../rules/limits.ts";
import type { CounterName, LimitName, Limits } from "../rules/limits.ts";
import type { CatalogAction, Span } from "../types.ts";
import { reportWarning } from "./findings.ts";
import type { World } from "./world.ts";

interface Place {
  readonly actions: readonly CatalogAction[];
  readonly at: (path: readonly PropertyKey[]) => Span;
}

/** Warns of limits that another one of the same rule makes meaningless, and of those that nothing they cover can ever draw from. */
export function checkLimits(world: World, limits: Limits, place: Place): void {
  for (const [smaller, larger] of PAIRS) {
    const [inner, outer] = [limits[smaller], limits[larger]];
    if (inner === undefined || outer === undefined || inner <= outer) continue;
    reportWarning(world.report, {
      code: "limit-never-reached",
      at: place.at(smaller.split(".")),
      what: `\`${smaller}: ${String(inner)}\` is more than \`${larger}: ${String(outer)}\` lets through`,
      why: "it would never be reached, so one of the two is not what was meant",
      write: `at most ${String(outer)} for \`${smaller}\`, or more for \`${larger}\``,
    });
  }
  for (const [word, draws] of DRAWN) {
    const [name] = names(limits).filter((each) => wordOf(each) === word);
    if (name === undefined || place.actions.length === 0 || place.actions.some(draws)) continue;
    reportWarning(world.report, {
      code: "limit-never-reached",
      at: place.at(name.split(".")),
      what: `no action it covers has \`${CATALOG_KEYS[word]}\` in the catalog, so \`${name}\` counts nothing`,
      why: "a limit that counts nothing looks like protection and is none",
      write: `\`${CATALOG_KEYS[word]}\` at the action, or leave \`${name}\` out`,
    });
  }
}

const DRAWN: readonly (readonly ["cost" | "recipients", (action: CatalogAction) => boolean])[] = [
  ["cost", (action) => action.cost !== undefined],
  ["recipients", (action) => action.destination.length > 0],
];
const CATALOG_KEYS = { cost: "cost", recipients: "destination" } as const;

function names(limits: Limits): readonly LimitName[] {
  return [...ONE_CALL, ...COUNTER_NAMES].filter((name) => limits[name] !== undefined);
}

function wordOf(name: LimitName): string {
  return isCounter(name) ? COUNTERS[name].unit : name;
}

function isCounter(name: LimitName): name is CounterName {
  return Object.hasOwn(COUNTERS, name);
}

/** The first is a part of the second: by time, by one call, or as one agent of a tenant's. */
const PAIRS: readonly (readonly [LimitName, LimitName])[] = [
  ["perMinute", "perHour"],
  ["perMinute", "perDay"],
  ["perHour", "perDay"],
  ["cost", "costPerDay"],
  ["cost", "costPerMonth"],
  ["cost", "costPerSession"],
  ["costPerDay", "costPerMonth"],
  ["records", "recordsPerHour"],
  ["records", "recordsPerDay"],
  ["recordsPerHour", "recordsPerDay"],
  ["recipients", "recipientsPerHour"],
  ["recipients", "recipientsPerDay"],
  ["recipientsPerHour", "recipientsPerDay"],
  ["perMinute", "perTenant.perMinute"],
  ["perHour", "perTenant.perHour"],
  ["perDay", "perTenant.perDay"],
  ["cost", "perTenant.costPerDay"],
  ["cost", "perTenant.costPerMonth"],
  ["costPerDay", "perTenant.costPerDay"],
  ["costPerMonth", "perTenant.costPerMonth"],
  ["perTenant.costPerDay", "perTenant.costPerMonth"],
  ["recordsPerDay", "perTenant.recordsPerDay"],
  ["records", "perTenant.recordsPerDay"],
  ["recipientsPerHour", "perTenant.recipientsPerHour"],
  ["recipients", "perTenant.recipientsPerHour"],
  ["concurrent", "perTenant.concurrent"],
];
