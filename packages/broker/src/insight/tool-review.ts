import { canonicalize } from "@bailiwick/ledger";
import type { CatalogAction, FieldType, Json, JsonObject, Operation, Policy } from "@bailiwick/policy";
import type { CallPorts } from "../call/ports.ts";
import type { FieldChange } from "../domain/approval.ts";
import { fingerprint, signedFor } from "../domain/fingerprint.ts";
import type { ReviewedEntries } from "../domain/reviewed-entries.ts";
import { proposalText } from "./proposal-text.ts";
import { type ProposedAction, proposeAction } from "./propose-action.ts";
import { offeredEntry, type ToolState, toolStates } from "./tool-states.ts";

/** What a reviewer needs to see of one operation. */
export interface ToolReview {
  readonly state: ToolState;
  /** What the tool offers now: its own text, untrusted. */
  readonly offered?: { readonly entry: JsonObject; readonly fingerprint: string } | undefined;
  readonly declared?: CatalogAction | undefined;
  /**
   * `entry`: the entry that was reviewed, which this broker has seen, against the one that is offered now. `arguments`: the arguments that the
   * catalog declares against those the tool offers now. Absent: there is nothing to compare.
   */
  readonly compared?: "entry" | "arguments" | undefined;
  readonly differences: readonly FieldChange[];
  /** What a reviewer who agrees writes. */
  readonly write?:
    | { readonly file: string; readonly line?: number | undefined; readonly text: string; readonly command: string }
    | undefined;
}

export interface ToolReviewPorts extends Pick<CallPorts, "tools"> {
  readonly reviewed: ReviewedEntries;
}

/** What a reviewer needs to see of an operation, as far as this broker has seen the tool for the tenant; never connects. */
export async function reviewTool(
  ports: ToolReviewPorts,
  policy: Policy,
  { tool, kind, name }: Operation,
  tenant: string,
): Promise<ToolReview | undefined> {
  const state = toolStates(ports, policy, tenant).find(
    ({ operation }) => operation.tool === tool && operation.kind === kind && operation.name === name,
  );
  if (state === undefined) return undefined;
  const declared = policy.tools
    .find((each) => each.tool === tool)
    ?.actions.find(({ operation }) => operation.kind === kind && operation.name === name);
  const entry = offeredEntry(ports, policy, state, tenant);
  if (entry === undefined) return { state, declared, differences: [] };
  const offered = { entry, fingerprint: fingerprint(entry) };
  const proposed = proposeAction(tool, entry, offered.fingerprint);
  const earlier = state.state === "quarantined" && state.reviewed !== undefined ? await ports.reviewed.find(state.reviewed) : undefined;
  return {
    state,
    offered,
    declared,
    ...comparison(declared, earlier, entry, proposed),
    ...(state.state === "quarantined" ? { write: writtenBy(tool, declared, offered.fingerprint, proposed) } : {}),
  };
}

/** The whole entry where it is known what was reviewed, otherwise what the catalog says of it. */
function comparison(
  declared: CatalogAction | undefined,
  earlier: JsonObject | undefined,
  entry: JsonObject,
  proposed: ProposedAction,
): Pick<ToolReview, "compared" | "differences"> {
  if (earlier !== undefined) return { compared: "entry", differences: entryChanges(earlier, entry) };
  return declared === undefined ? { differences: [] } : { compared: "arguments", differences: typeChanges(declared, proposed.args) };
}

function writtenBy(
  tool: string,
  declared: CatalogAction | undefined,
  reviewed: string,
  proposed: ProposedAction,
): NonNullable<ToolReview["write"]> {
  const command = `bailiwick tools add ${tool} --write`;
  return declared === undefined
    ? { file: `tools/${tool}.yaml`, text: proposalText([proposed]), command }
    : { file: declared.at.file, line: declared.at.line, text: `reviewed: ${reviewed}\n`, command };
}

/** Member by member, of what a reviewer signs for. */
function entryChanges(before: JsonObject, after: JsonObject): readonly FieldChange[] {
  return changesOf(leaves(signedFor(before)), leaves(signedFor(after)));
}

/** Values by path; a list is one value. */
function leaves(value: JsonObject, above = ""): ReadonlyMap<string, Json> {
  return new Map(
    Object.entries(value).flatMap(([key, member]): readonly (readonly [string, Json])[] => {
      if (member === undefined) return [];
      const path = `${above}${key}`;
      return isObject(member) && Object.keys(member).length > 0 ? [...leaves(member, `${path}.`)] : [[path, member]];
    }),
  );
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What differs between the two, sorted by path. */
function changesOf(before: ReadonlyMap<string, Json>, after: ReadonlyMap<string, Json>): readonly FieldChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((path) => {
    const [was, is] = [before.get(path), after.get(path)];
    if (was !== undefined && is !== undefined && canonicalize(was) === canonicalize(is)) return [];
    return [{ path, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }];
  });
}

/** Argument by argument. What the broker sets itself is offered but not declared, and no difference. */
function typeChanges({ args, force }: CatalogAction, offered: Readonly<Record<string, FieldType>>): readonly FieldChange[] {
  const forced = (path: string): boolean => Object.keys(force).some((key) => path === key || path.startsWith(`${key}.`));
  return changesOf(flat(args), flat(offered)).filter(({ path }) => !forced(path));
}

/** Types by path: `{ patch: { "status?": string } }` is `patch.status` with `string, optional`. */
function flat(fields: Readonly<Record<string, FieldType>>, above = ""): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(fields).flatMap(([key, type]): readonly (readonly [string, string])[] => {
      const optional = key.endsWith("?");
      const path = `${above}${optional ? key.slice(0, -1) : key}`;
      const word = wordOf(type);
      const own = [path, optional ? `${word}, optional` : word] as const;
      return isFields(type) ? [own, ...flat(type, `${path}.`)] : [own];
    }),
  );
}

function wordOf(type: FieldType): string {
  if (typeof type === "string") return type;
  return isFields(type) ? "object" : `list of ${wordOf(type[0])}`;
}

function isFields(type: FieldType): type is { readonly [key: string]: FieldType } {
  return typeof type === "object" && !Array.isArray(type);
}
