import type { CatalogAction, Mask, PersonConfig, Policy } from "../types.ts";
import { stronger } from "./mask.ts";

/**
 * Which fields this person may not see where a call of the action is shown to people, and how they look instead. Paths are those of the
 * record; where the catalog says where the written fields stand among the arguments, those paths as well. Labels belong to the fields of a
 * record type, so those of every action that returns such records count, not only the action's own.
 */
export function concealedFields(policy: Policy, action: CatalogAction, person: Pick<PersonConfig, "roles">): ReadonlyMap<string, Mask> {
  const concealed = new Map<string, Mask>();
  const prefix = action.resource?.fields?.split(".").slice(1).join(".");
  for (const { labels } of [action, ...showing(policy, action)]) {
    for (const [path, names] of Object.entries(labels)) {
      const mask = maskFor(policy, names, person);
      if (mask === undefined) continue;
      for (const at of prefix === undefined ? [path] : [path, `${prefix}.${path}`]) {
        const known = concealed.get(at);
        concealed.set(at, known === undefined ? mask : stronger(known, mask));
      }
    }
  }
  return concealed;
}

/** Actions whose results are records such as this one acts on or returns. */
function showing({ tools }: Policy, { resource, returns }: CatalogAction): readonly CatalogAction[] {
  const types = [resource?.type, returns?.type].filter((type) => type !== undefined);
  return tools.flatMap(({ actions }) => actions).filter((other) => other.returns !== undefined && types.includes(other.returns.type));
}

/** Masked for everybody who is not named, also where nobody is. Other labels hide only where `reveal` speaks of them. */
const MASKED: ReadonlyMap<string, Mask> = new Map([
  ["pii", "partial"],
  ["secret", "redact"],
]);

/** Who does not see a value for one of its labels does not see it, whatever they may see for another. */
function maskFor({ reveal }: Policy, labels: readonly string[], { roles }: Pick<PersonConfig, "roles">): Mask | undefined {
  const masks = labels.flatMap((label): readonly Mask[] => {
    const named = Object.hasOwn(reveal, label) ? reveal[label] : undefined;
    if (named?.some((role) => roles.includes(role)) === true) return [];
    return [MASKED.get(label) ?? (named === undefined ? undefined : "redact")].filter((mask) => mask !== undefined);
  });
  return masks.reduce<Mask | undefined>((a, b) => (a === undefined ? b : stronger(a, b)), undefined);
}
