import { declaredKey, declaredNames, typeAt } from "../facts/field-path.ts";
import { suggestion } from "../files/did-you-mean.ts";
import { durationMs } from "../files/duration.ts";
import type { FieldType, Span } from "../types.ts";
import { reportError } from "./findings.ts";
import { recordTypes } from "../engine/cedar-schema.ts";
import type { CheckedScope } from "./scopes.ts";
import type { World } from "./world.ts";

/**
 * `within: { created: 90d }` as a Cedar text: the field of the record is at most that old. A record without it is not within. Undefined
 * when there is nothing to say.
 */
export function withinText(
  world: World,
  within: Readonly<Record<string, string>> | undefined,
  { actions }: CheckedScope,
  at: (field: string) => Span,
): string | undefined {
  const types = [...new Set(actions.flatMap((action) => recordTypes(action)))].map((type) => world.types.get(type) ?? {});
  const parts = Object.entries(within ?? {}).flatMap(([field, age]) => {
    const path = field.split(".");
    if (types.length === 0 || types.some((fields) => typeAt(fields, path) !== "datetime")) {
      reportNoMoment(world, field, types, at(field));
      return [];
    }
    const present = optionalSteps(types, path).map(
      (length) => `${["resource", ...path.slice(0, length - 1)].join(".")} has ${path[length - 1] ?? ""}`,
    );
    return [[...present, `resource.${field} >= context.now.offset(duration("-${String(durationMs(age))}ms"))`].join(" && ")];
  });
  return parts.length === 0 ? undefined : parts.join(" && ");
}

/** How long the beginnings of the path are that may be absent in some type. */
function optionalSteps(types: readonly Readonly<Record<string, FieldType>>[], path: readonly string[]): readonly number[] {
  return path.flatMap((step, index) => {
    const parents = types.map((fields) => (index === 0 ? fields : typeAt(fields, path.slice(0, index))));
    const optional = parents.some(
      (parent) =>
        typeof parent === "object" &&
        Object.keys(parent)
          .map((key) => declaredKey(key))
          .some((key) => key.name === step && key.optional),
    );
    return optional ? [index + 1] : [];
  });
}

function reportNoMoment(world: World, field: string, types: readonly Readonly<Record<string, FieldType>>[], at: Span): void {
  const moments = types.flatMap((fields) => declaredNames(fields).filter((name) => typeAt(fields, [name]) === "datetime"));
  reportError(world.report, {
    code: "unknown-field",
    at,
    what: `\`${field}\` is not a \`datetime\` of every record that the grant is about`,
    why: "how old a record is could not be told",
    write: suggestion(field, [...new Set(moments)], "a declared field of type `datetime`"),
  });
}
