import { declaredKey, declaredNames, typeAt } from "../facts/field-path.ts";
import { makesRecord } from "../facts/makes-record.ts";
import { suggestion } from "../files/did-you-mean.ts";
import type { ToolFile } from "../files/schemas.ts";
import type { Report, Source } from "../files/source.ts";
import { reportError } from "./findings.ts";

type Action = ToolFile["actions"][string];
type Complain = (place: readonly string[], what: string, why: string, write: string) => void;

/** Checks that the action which takes another one back can do so: it is there, its arguments can be had, and the record is looked at first. */
export function checkUndo(source: Source, tool: ToolFile, name: string, report: Report): void {
  const action = tool.actions[name];
  if (action?.undo === undefined) return;
  const complain: Complain = (place, what, why, write) =>
    reportError(report, { code: "undo", at: source.at(["actions", name, "undo", ...place]), what, why, write });
  const { do: does } = action.undo;
  const args = "args" in action.undo ? action.undo.args : undefined;
  const changing = Object.keys(tool.actions).filter((each) => changes(tool.actions[each]));
  const undo = Object.hasOwn(tool.actions, does) ? tool.actions[does] : undefined;
  if (!changes(action)) {
    complain([], `\`${name}\` changes nothing`, "there is nothing to take back", "`undo` at an action that writes, or none");
  } else if (undo === undefined || !changes(undo)) {
    complain(
      [],
      `\`${does}\` is not an action of this tool that changes anything`,
      "it is called to take this one back",
      suggestion(does, changing, "an action of the same tool"),
    );
  } else {
    checkRecord(tool, action, does, undo, complain);
    checkLeft(tool, action, undo, complain);
    if (args === undefined) checkDefault(tool, action, does, undo, complain);
    else checkArguments(tool, action, does, undo, args, complain);
  }
}

function changes(action: Action | undefined): boolean {
  return action !== undefined && action.effect !== "read" && action.effect !== "export";
}

/** What is changed back must be the same record, and must be seen to be as the call left it. */
function checkRecord(tool: ToolFile, action: Action, does: string, undo: Action, complain: Complain): void {
  const type = typeOf(action);
  if (undo.resource === undefined) {
    // Where the call leaves no record there is nothing to look at: it is made anew, or the action has none at all.
    if (action.effect === "delete" || type === undefined) return;
    complain(
      [],
      `\`${does}\` names no record, and this action leaves a \`${type}\``,
      "what somebody changed since then would be overwritten unseen",
      `\`resource\` with \`before\` at \`${does}\`, or an action that has them`,
    );
    return;
  }
  if (action.effect === "delete") {
    complain(
      [],
      `\`${does}\` acts on a record, and this action has deleted it`,
      "it could not be loaded and looked at",
      `\`${does}\` without \`resource\`, or another action that makes the record anew`,
    );
  } else if (undo.resource.type !== type) {
    complain(
      [],
      `\`${does}\` acts on a \`${undo.resource.type}\` and this action on ${type === undefined ? "no record" : `a \`${type}\``}`,
      "what is taken back is done to the record that was changed",
      `an action on ${type === undefined ? "a record that this one has in `resource` or `returns`" : `a \`${type}\``}`,
    );
  } else if (undo.resource.before === undefined) {
    const loader = Object.keys(tool.actions).find(
      (each) => tool.actions[each]?.effect === "read" && tool.actions[each].returns?.type === type,
    );
    complain(
      [],
      `\`${does}\` does not load its record`,
      "what somebody changed since then would be overwritten",
      `\`before: ${loader ?? "get_record"}\` in the \`resource\` of \`${does}\``,
    );
  }
}

/** How the call leaves the record must be known, or nobody can say whether somebody has changed it since. */
function checkLeft(tool: ToolFile, action: Action, undo: Action, complain: Complain): void {
  if (undo.resource === undefined || action.effect === "delete" || makesRecord(action) || action.returns?.type === action.resource?.type)
    return;
  const fields = tool.types[action.resource?.type ?? ""] ?? {};
  const id = action.resource?.id;
  const says = declaredNames(action.args).some(
    (arg) => `args.${arg}` !== id && !Object.hasOwn(action.force, arg) && typeAt(fields, [arg]) !== undefined,
  );
  if (says || action.resource?.fields !== undefined) return;
  complain(
    [],
    "neither the answer nor the arguments of this action say how it leaves the record",
    "what somebody changed since then could not be told from it",
    "`returns` at this action: the record in its answer",
  );
}

function typeOf(action: Action): string | undefined {
  return makesRecord(action) ? action.returns?.type : action.resource?.type;
}

function checkDefault(tool: ToolFile, action: Action, does: string, undo: Action, complain: Complain): void {
  const write = `\`undo: { do: ${does}, args: { ... } }\``;
  if (makesRecord(action) || undo.resource !== undefined) {
    if (undo.resource !== undefined && /^args\.[^.]+$/u.test(undo.resource.id)) checkId(tool, action, undo.resource.id, complain);
    else complain([], `it cannot be told how \`${does}\` takes the record's id`, "the record could not be named", write);
  }
  if (!makesRecord(action) && action.resource?.before === undefined) {
    complain(
      [],
      "this action does not load its record",
      "what was there before would not be known",
      "`before` in its `resource`: the read action that loads it",
    );
  }
}

/** The id of a record that was made stands in the answer. */
function checkId(tool: ToolFile, action: Action, idPath: string, complain: Complain): void {
  if (!makesRecord(action)) return;
  const type = action.returns?.type;
  const fields = type === undefined ? undefined : tool.types[type];
  const id = idPath.split(".").at(-1) ?? "id";
  if (fields !== undefined && (typeAt(fields, [id]) !== undefined || typeAt(fields, ["id"]) !== undefined)) return;
  complain(
    [],
    type === undefined ? "the answer of this action holds no record" : `\`${type}\` has no field \`${id}\``,
    "the id of the record that was made would not be known",
    type === undefined ? "`returns: { type: ..., at: result }` here" : "`args` that say where the id is",
  );
}

function checkArguments(
  tool: ToolFile,
  action: Action,
  does: string,
  undo: Action,
  args: Readonly<Record<string, string>>,
  complain: Complain,
): void {
  const given = new Set(Object.keys(args).map((key) => declaredKey(key).name));
  for (const [key, path] of Object.entries(args)) {
    const { name } = declaredKey(key);
    const taken = declaredNames(undo.args).filter((each) => !Object.hasOwn(undo.force, each));
    if (!taken.includes(name))
      complain(
        ["args", key],
        `\`${does}\` takes no argument \`${name}\``,
        "the call would be refused",
        suggestion(name, taken, "no argument"),
      );
    checkPath(tool, action, path, (what, why, write) => complain(["args", key], what, why, write));
  }
  for (const key of Object.keys(undo.args)) {
    const { name, optional } = declaredKey(key);
    if (optional || given.has(name) || Object.hasOwn(undo.force, name)) continue;
    complain(["args"], `\`${does}\` needs \`${name}\``, "the call would be refused", `\`${name}: before.${name}\``);
  }
}

function checkPath(tool: ToolFile, action: Action, path: string, complain: (what: string, why: string, write: string) => void): void {
  const why = "the value would always be missing";
  const [root, ...steps] = path.split(".");
  const [head = ""] = steps;
  if (path.startsWith("=")) return;
  if (root === "args") {
    if (typeAt(action.args, steps) !== undefined || Object.hasOwn(action.force, head)) return;
    complain(
      `\`${path}\` is not an argument of this action`,
      why,
      suggestion(
        path,
        declaredNames(action.args).map((name) => `args.${name}`),
        "none",
      ),
    );
    return;
  }
  const type = root === "before" ? action.resource?.type : action.effect === "delete" ? undefined : action.returns?.type;
  const known =
    root === "before"
      ? action.resource?.before !== undefined
      : type !== undefined && (makesRecord(action) || type === action.resource?.type);
  if (!known) {
    if (root === "before") complain(`\`${path}\`, and the record is not loaded before`, why, "`before` in the `resource` of this action");
    else
      complain(`\`${path}\`, and the record as the call leaves it is not known`, why, "`returns` at this action, or a path into `before`");
    return;
  }
  const fields = tool.types[type ?? ""] ?? {};
  if (typeAt(fields, steps) !== undefined) return;
  complain(
    `\`${type ?? ""}\` has no field \`${steps.join(".")}\``,
    why,
    suggestion(
      path,
      declaredNames(fields).map((name) => `${root ?? ""}.${name}`),
      "a declared field",
    ),
  );
}
