import { suggestion } from "../files/did-you-mean.ts";
import { declaredNames, typeAt } from "../facts/field-path.ts";
import type { FieldRules } from "../rules/rule.ts";
import type { CatalogAction, Mask, Span } from "../types.ts";
import { reportError } from "./findings.ts";
import type { World } from "./world.ts";

/** Checks hidden and masked paths against the record types that the covered actions return. */
export function readFields(
  world: World,
  fields: { readonly hide?: readonly string[] | undefined; readonly mask?: Readonly<Record<string, Mask>> | undefined } | undefined,
  actions: readonly CatalogAction[],
  at: (path: readonly PropertyKey[]) => Span,
): FieldRules {
  const types = [...new Set(actions.flatMap((action) => (action.returns === undefined ? [] : [action.returns.type])))];
  const check = (path: string, place: readonly PropertyKey[]): void => {
    const known = types.some((type) => typeAt(world.types.get(type) ?? {}, path.split(".")) !== undefined);
    if (known) return;
    const candidates = [...new Set(types.flatMap((type) => declaredNames(world.types.get(type) ?? {})))];
    reportError(world.report, {
      code: "unknown-field",
      at: at(place),
      what: `no covered action returns a record with a field \`${path}\``,
      why: "the field would be shown although the rule was meant to cover it",
      write:
        types.length === 0
          ? "`returns: { type: ..., at: result }` at the action"
          : suggestion(path, candidates, "a declared field of the type"),
    });
  };
  for (const [index, path] of (fields?.hide ?? []).entries()) check(path, ["hide", index]);
  for (const path of Object.keys(fields?.mask ?? {})) check(path, ["mask", path]);
  return { hide: fields?.hide ?? [], mask: new Map(Object.entries(fields?.mask ?? {})) };
}

/** A person who holds this role changes nothing and answers nothing, whatever else they hold. */
export const READ_ONLY_ROLE = "auditor";

export function checkPeopleRole(world: World, role: string, at: Span, why = "nobody could ever answer the approval"): void {
  if (role === READ_ONLY_ROLE) {
    reportError(world.report, {
      code: "auditor-reads-only",
      at,
      what: `people with the role \`${READ_ONLY_ROLE}\` only read`,
      why,
      write: "a role of the people who are to decide",
    });
    return;
  }
  if (world.peopleRoles.includes(role)) return;
  reportError(world.report, {
    code: "unknown-person-role",
    at,
    what: `no person has the role \`${role}\``,
    why,
    write: suggestion(role, world.peopleRoles, "give it to a person in `bailiwick.yaml`"),
  });
}
