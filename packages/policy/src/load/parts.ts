import { suggestion } from "../files/did-you-mean.ts";
import { declaredNames, typeAt } from "../facts/field-path.ts";
import type { FieldRules } from "../rules/rule.ts";
import type { CatalogAction, Mask, Span } from "../types.ts";
import { stronger } from "../present/mask.ts";
import { compareText, reportError } from "./findings.ts";
import type { World } from "./world.ts";

interface WrittenFields {
  readonly hide?: readonly string[] | undefined;
  readonly mask?: Readonly<Record<string, Mask>> | undefined;
}

/**
 * Checks hidden and masked paths against the record types that the covered actions return, and puts in place of each label the paths that
 * carry it: of a path that is then masked twice the mask that shows less counts.
 */
export function readFields(
  world: World,
  fields: WrittenFields | undefined,
  actions: readonly CatalogAction[],
  at: (path: readonly PropertyKey[]) => Span,
): FieldRules {
  const types = [...new Set(actions.flatMap((action) => (action.returns === undefined ? [] : [action.returns.type])))];
  const pathsOf = (written: string, place: readonly PropertyKey[]): readonly string[] => {
    if (written.startsWith(LABEL)) return labelled(world, types, written.slice(LABEL.length), at(place));
    checkPath(world, types, written, at(place));
    return [written];
  };
  const hide = (fields?.hide ?? []).flatMap((written, index) => pathsOf(written, ["hide", index]));
  const mask = new Map<string, Mask>();
  for (const [written, how] of Object.entries(fields?.mask ?? {})) {
    for (const path of pathsOf(written, ["mask", written])) {
      const known = mask.get(path);
      mask.set(path, known === undefined ? how : stronger(known, how));
    }
  }
  return { hide: [...new Set(hide)], mask };
}

const LABEL = "@";

function checkPath(world: World, types: readonly string[], path: string, at: Span): void {
  if (types.some((type) => typeAt(world.types.get(type) ?? {}, path.split(".")) !== undefined)) return;
  const candidates = [...new Set(types.flatMap((type) => declaredNames(world.types.get(type) ?? {})))];
  reportError(world.report, {
    code: "unknown-field",
    at,
    what: `no covered action returns a record with a field \`${path}\``,
    why: "the field would be shown although the rule was meant to cover it",
    write:
      types.length === 0
        ? "`returns: { type: ..., at: result }` at the action"
        : suggestion(path, candidates, "a declared field of the type"),
  });
}

/** Labels belong to the fields of a record type, so those of every action that returns such records count, covered or not. */
function labelled(world: World, types: readonly string[], label: string, at: Span): readonly string[] {
  const entries = world.actions
    .filter(({ returns }) => returns !== undefined && types.includes(returns.type))
    .flatMap(({ labels }) => Object.entries(labels));
  const paths = entries.filter(([, names]) => names.includes(label)).map(([path]) => path);
  if (paths.length > 0) return [...new Set(paths)].toSorted(compareText);
  const known = [...new Set(entries.flatMap(([, names]) => names))].toSorted(compareText);
  reportError(world.report, {
    code: "unknown-label",
    at,
    what: `no field that a covered action returns has the label \`${label}\``,
    why: "the fields would be shown although the rule was meant to cover them",
    write: suggestion(label, known, `\`labels: { <field>: [${label}] }\` at an action that returns such records`),
  });
  return [];
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
