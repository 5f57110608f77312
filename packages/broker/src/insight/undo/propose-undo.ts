import {
  type CatalogAction,
  type CatalogTool,
  declaredKey,
  type FieldType,
  findAction,
  type Json,
  type JsonObject,
  makesRecord,
  type Policy,
  typeAt,
} from "@bailiwick/policy";
import { writtenFields } from "../../call/hold.ts";
import { readPath } from "../../call/paths.ts";
import { differingFields, type Expectation, sameValue } from "../../domain/undo.ts";
import { keptValues } from "./kept-values.ts";
import type { KeptFacts, RecordedCall } from "./recorded-call.ts";
import type { UndoStanding } from "./undo-standing.ts";

/** The call that takes another one back, as the catalog and the records of that one say it. */
export interface UndoProposal {
  readonly tool: CatalogTool;
  readonly action: CatalogAction;
  readonly args: JsonObject;
  /** Absent: there is no record to compare, because the undo makes it anew. */
  readonly expects?: Expectation | undefined;
  readonly before: JsonObject | undefined;
  /** As the call left it. */
  readonly after: JsonObject | undefined;
  /** Fields that differ from before the call and stay so: the undo cannot set them, or it is not known that the call did. */
  readonly notRestored: readonly string[];
}

/** Why a call cannot be taken back. */
export interface UndoObstacle {
  readonly code: ObstacleCode;
  readonly message: string;
}

export type ObstacleCode =
  | "no_undo"
  | "not_succeeded"
  | "outcome_unknown"
  | "facts_erased"
  | "action_gone"
  | "already_undone"
  | "under_way"
  | "nothing_changed"
  | "value_unknown";

export type Proposed = { readonly ok: true; readonly proposal: UndoProposal } | ({ readonly ok: false } & UndoObstacle);

/** What would take a call back, or why nothing can. Reads nothing: the record may have changed since. Pure. */
export function proposeUndo(policy: Policy, call: RecordedCall, standing: UndoStanding): Proposed {
  const early = statusObstacle(call) ?? standingObstacle(standing);
  if (early !== undefined) return { ok: false, ...early };
  if (call.kept === undefined)
    return no(
      "facts_erased",
      "what the call was made with was erased, so nobody can say any more what would take it back; look at the record itself",
    );
  const done = findAction(policy, call.kept.operation);
  const tool = policy.tools.find((each) => each.tool === done?.operation.tool);
  if (done === undefined || tool === undefined)
    return no("action_gone", "the action of this call is no longer in the policy; catalogue it again, or change the record by hand");
  if (done.undo === undefined)
    return no("no_undo", `the catalog names no \`undo\` for \`${done.scope}\`; add it to the tool's file, or change the record by hand`);
  const undo = tool.actions.find(({ operation }) => operation.kind === "tool" && operation.name === done.undo?.do);
  if (undo === undefined)
    return no("action_gone", `\`${done.undo.do}\`, which would take it back, is no longer in the policy; catalogue it again`);
  return withValues(tool, done, undo, call.kept, standing);
}

function statusObstacle({ status, effect }: RecordedCall): UndoObstacle | undefined {
  if (effect === "read" || effect === "export") return { code: "nothing_changed", message: "the call changed nothing: it only read" };
  switch (status) {
    case "succeeded":
      return undefined;
    case "unknown":
    case "withheld":
      return {
        code: "outcome_unknown",
        message:
          "the call was sent and nobody knows whether it took effect; look at the record in the tool, and change it by hand if it did",
      };
    case "running":
      return { code: "under_way", message: "the call has no end yet; wait for it" };
    default:
      return { code: "not_succeeded", message: `the call is \`${status}\`: it took no effect that could be undone` };
  }
}

function standingObstacle({ undoneBy, underWay }: UndoStanding): UndoObstacle | undefined {
  if (undoneBy !== undefined)
    return { code: "already_undone", message: `\`${undoneBy}\` has undone this call already; to have it back, undo that one` };
  if (underWay !== undefined) return { code: "under_way", message: `\`${underWay}\` is undoing this call now; wait for its end` };
  return undefined;
}

function withValues(tool: CatalogTool, done: CatalogAction, undo: CatalogAction, kept: KeptFacts, standing: UndoStanding): Proposed {
  const { before, after } = keptValues(tool, done, kept);
  if (before !== undefined && after !== undefined && sameValue(before, after))
    return no("nothing_changed", "the call left the record as it was, so there is nothing to undo");
  const loads = undo.resource?.before !== undefined;
  if (loads && after === undefined)
    return no("value_unknown", "the tool did not say what the call made, so the record cannot be named or compared; change it by hand");
  if (!loads && standing.unknown !== undefined)
    return no(
      "outcome_unknown",
      `\`${standing.unknown}\` was sent to undo this call and nobody knows whether it took effect; look in the tool whether the record is there`,
    );
  const made =
    done.undo?.args === undefined
      ? ownArguments(tool, done, undo, kept, { before, after })
      : saidArguments(done.undo.args, undo, kept, { before, after });
  if ("code" in made) return { ok: false, ...made };
  return {
    ok: true,
    proposal: {
      tool,
      action: undo,
      args: made.args,
      ...(loads && after !== undefined ? { expects: expectationOf(undo, before, after) } : {}),
      before,
      after,
      notRestored: made.notRestored,
    },
  };
}

function expectationOf({ effect }: CatalogAction, before: JsonObject | undefined, after: JsonObject): Expectation {
  if (effect === "delete") return { record: after, fields: "every" };
  return { record: after, fields: "written", ...(before === undefined ? {} : { changed: differingFields(before, after) }) };
}

interface States {
  readonly before: JsonObject | undefined;
  readonly after: JsonObject | undefined;
}
interface Made {
  readonly args: JsonObject;
  readonly notRestored: readonly string[];
}

/** As the catalog writes them. An argument without a value is left out only where the record is made anew and may lack the field. */
function saidArguments(
  said: Readonly<Record<string, string>>,
  undo: CatalogAction,
  kept: KeptFacts,
  { before, after }: States,
): Made | UndoObstacle {
  const root: JsonObject = { args: kept.args, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
  const args: Record<string, JsonObject[string]> = {};
  for (const [key, path] of Object.entries(said)) {
    const { name } = declaredKey(key);
    const value = path.startsWith("=") ? literal(path.slice(1), typeAt(undo.args, [name])) : readPath(root, path);
    if (value !== undefined) args[name] = value;
    else if (undo.resource !== undefined || !isOptional(undo, name)) return missing(path);
  }
  return { args, notRestored: [] };
}

/** What the catalog writes after `=` as the argument's type has it; what does not fit is left for the policy to refuse. */
function literal(text: string, type: FieldType | undefined): Json {
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  const number = type === "integer" || type === "decimal" ? Number(text) : Number.NaN;
  return text.trim() === "" || Number.isNaN(number) ? text : number;
}

/** Without a word of the catalog: the record's id and what the call wrote, or removed, as it was before. */
function ownArguments(tool: CatalogTool, done: CatalogAction, undo: CatalogAction, kept: KeptFacts, states: States): Made | UndoObstacle {
  if (makesRecord(done)) return named(undo, states.after);
  if (states.before === undefined) return missing("before");
  if (undo.resource === undefined) return anew(undo, states.before);
  return asBefore(tool, done, undo, kept, { before: states.before, after: states.after ?? states.before });
}

function named(undo: CatalogAction, record: JsonObject | undefined): Made | UndoObstacle {
  const name = idArgument(undo);
  const id = record?.[name] ?? record?.["id"];
  return id === undefined ? missing(`after.${name}`) : { args: { [name]: id }, notRestored: [] };
}

function anew(undo: CatalogAction, before: JsonObject): Made | UndoObstacle {
  const taken = takes(undo);
  const args = Object.fromEntries(Object.entries(before).filter(([field, value]) => taken.includes(field) && value !== null));
  const lacking = taken.find((name) => !Object.hasOwn(args, name) && !isOptional(undo, name));
  if (lacking !== undefined) return missing(`before.${lacking}`);
  return { args, notRestored: Object.keys(before).filter((field) => !taken.includes(field) && !Object.hasOwn(undo.force, field)) };
}

function asBefore(
  tool: CatalogTool,
  done: CatalogAction,
  undo: CatalogAction,
  kept: KeptFacts,
  { before, after }: { readonly before: JsonObject; readonly after: JsonObject },
): Made | UndoObstacle {
  const id = readPath({ args: kept.args }, done.resource?.id ?? "args.id");
  if (id === undefined) return missing(done.resource?.id ?? "args.id");
  const differing = differingFields(before, after);
  const own = Object.keys(writtenFields({ action: done, args: kept.args })).filter((name) => differing.includes(name));
  // What else differs somebody else may have written at the same moment; only an action that names no fields changes what it likes.
  const changed = own.length === 0 ? differing : own;
  const nested = undo.resource?.fields?.replace(/^args\./u, "");
  const taken =
    nested === undefined ? takes(undo) : Object.keys(tool.types[undo.resource?.type ?? ""] ?? {}).map((key) => declaredKey(key).name);
  const written = changed.filter((name) => taken.includes(name) && name !== idArgument(undo));
  const fresh = written.find((name) => before[name] === undefined);
  if (fresh !== undefined)
    return {
      code: "value_unknown",
      message: `the record had no field \`${fresh}\` before this call, and \`${undo.scope}\` cannot take one away; change it by hand`,
    };
  if (written.length === 0)
    return {
      code: "value_unknown",
      message: `\`${undo.scope}\` sets none of the fields that the call changed; name its arguments under \`undo\` in the tool's file`,
    };
  const values = Object.fromEntries(written.map((name) => [name, before[name] ?? null]));
  return {
    args: { [idArgument(undo)]: id, ...(nested === undefined ? values : { [nested]: values }) },
    notRestored: differing.filter((name) => !written.includes(name)),
  };
}

/** Arguments that a caller may give. */
function takes(action: CatalogAction): readonly string[] {
  return Object.keys(action.args)
    .map((key) => declaredKey(key).name)
    .filter((name) => !Object.hasOwn(action.force, name));
}

function isOptional({ args }: CatalogAction, name: string): boolean {
  return Object.hasOwn(args, `${name}?`);
}

function idArgument({ resource }: CatalogAction): string {
  return resource?.id.split(".").at(-1) ?? "id";
}

function missing(path: string): UndoObstacle {
  return { code: "value_unknown", message: `\`${path}\`, which the undo needs, is not known of this call; change the record by hand` };
}

function no(code: ObstacleCode, message: string): Proposed {
  return { ok: false, code, message };
}
