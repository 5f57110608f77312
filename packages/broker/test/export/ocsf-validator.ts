import { CLASSES, ENUMS, OBJECTS, type OcsfVersion } from "./ocsf-facts.ts";

const VERSIONS: readonly OcsfVersion[] = ["1.6.0", "1.8.0", "1.9.0"];

interface Context {
  readonly version: OcsfVersion;
  readonly profiles: readonly string[];
}

/** Everything about an event that the schema of its version does not allow, each with its path. */
export function ocsfFaults(event: Readonly<Record<string, unknown>>, version: OcsfVersion): readonly string[] {
  const its = CLASSES.find(({ uid }) => uid === event["class_uid"]);
  if (its === undefined || !existsIn(its.versions, version)) return [`class_uid: ${String(event["class_uid"])} is no class of ${version}`];
  const metadata = asObject(event["metadata"]) ?? {};
  const profiles = asTexts(metadata["profiles"]);
  const present = Object.keys(event);
  return [
    ...(metadata["version"] === version ? [] : ["metadata.version: is another"]),
    ...profiles
      .filter(
        (name) => !VERSIONS.slice(VERSIONS.indexOf(its.profiles[name] ?? "1.9.0")).includes(version) || its.profiles[name] === undefined,
      )
      .map((name) => `metadata.profiles: the class does not take \`${name}\` in ${version}`),
    ...(event["category_uid"] === Math.floor(its.uid / 1000) ? [] : ["category_uid: is not the class's"]),
    ...(its.activities.includes(Number(event["activity_id"])) ? [] : [`activity_id: ${String(event["activity_id"])} is none of the class`]),
    ...(event["activity_id"] === 99 && typeof event["activity_name"] !== "string" ? ["activity_name: 99 goes with the source's word"] : []),
    ...(event["type_uid"] === its.uid * 100 + Number(event["activity_id"]) ? [] : ["type_uid: is not class and activity"]),
    ...(its.justOne !== undefined && version <= its.justOne.until && its.justOne.of.filter((name) => present.includes(name)).length !== 1
      ? [`${its.justOne.of.join(", ")}: just one of them`]
      : []),
    ...shapeFaults(event, its, { version, profiles }, ""),
  ];
}

function shapeFaults(
  value: Readonly<Record<string, unknown>>,
  shape: { readonly attributes: Readonly<Record<string, string>>; readonly atLeastOne?: readonly string[] },
  context: Context,
  path: string,
): readonly string[] {
  const faults: string[] = [];
  for (const [name, type] of Object.entries(shape.attributes)) {
    if (type.includes("!") && value[name] === undefined) faults.push(`${path}${name}: is required`);
  }
  if (shape.atLeastOne !== undefined && !shape.atLeastOne.some((name) => value[name] !== undefined))
    faults.push(`${path === "" ? "event" : path}: at least one of ${shape.atLeastOne.join(", ")}`);
  for (const [name, member] of Object.entries(value)) {
    const type = shape.attributes[name];
    if (type === undefined) faults.push(`${path}${name}: is unknown`);
    else faults.push(...attributeFaults(member, type, context, `${path}${name}`));
  }
  return faults;
}

function attributeFaults(value: unknown, notation: string, context: Context, path: string): readonly string[] {
  const [, type = "", list, profile, comparison, bound] = /^(\w+?)(\[\])?!?(?:%(\w+?))?(?:(>=|<)([\d.]+))?$/.exec(notation) ?? [];
  const faults: string[] = [];
  if (profile !== undefined && !context.profiles.includes(profile))
    faults.push(`${path}: belongs to the profile \`${profile}\`, which is not named`);
  if (bound !== undefined && (comparison === "<" ? context.version >= bound : context.version < bound))
    faults.push(`${path}: is not in ${context.version}`);
  if (list === undefined) return [...faults, ...typeFaults(value, type, context, path)];
  if (!Array.isArray(value)) return [...faults, `${path}: is no list`];
  return [...faults, ...value.flatMap((each, index) => typeFaults(each, type, context, `${path}[${index}]`))];
}

function typeFaults(value: unknown, type: string, context: Context, path: string): readonly string[] {
  const object = OBJECTS[type];
  if (object !== undefined) {
    const members = asObject(value);
    if (members === undefined) return [`${path}: is no object`];
    if (!existsIn(object.versions, context.version)) return [`${path}: \`${type}\` is not in ${context.version}`];
    return shapeFaults(members, object, context, `${path}.`);
  }
  const numbers = ENUMS[type];
  if (numbers !== undefined) return numbers.includes(Number(value)) || value === 99 ? [] : [`${path}: ${String(value)} is no \`${type}\``];
  switch (type) {
    case "any":
      return [];
    case "string":
      return typeof value === "string" ? [] : [`${path}: is no text`];
    case "boolean":
      return typeof value === "boolean" ? [] : [`${path}: is neither true nor false`];
    case "integer":
    case "long":
      return Number.isSafeInteger(value) ? [] : [`${path}: is no whole number`];
    default:
      return [`${path}: the table has no type \`${type}\``];
  }
}

function existsIn(versions: readonly OcsfVersion[] | undefined, version: OcsfVersion): boolean {
  return versions === undefined || versions.includes(version);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : undefined;
}

function asTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
