import { suggestion } from "../files/did-you-mean.ts";
import type { ToolFile } from "../files/schemas.ts";
import type { Report, Source } from "../files/source.ts";
import { declaredNames, isListType, typeAt } from "../facts/field-path.ts";
import { checkReturns, reportUnknownType } from "./check-returns.ts";
import { reportError } from "./findings.ts";

type Action = ToolFile["actions"][string];

/** Checks that everything an action names exists: types, arguments, the action that loads its record. */
export function checkAction(source: Source, tool: ToolFile, name: string, report: Report): void {
  const action = tool.actions[name];
  if (action === undefined) return;
  const at = (...path: readonly PropertyKey[]) => source.at(["actions", name, ...path]);
  const acted = action.resource?.type;
  if (acted !== undefined && !Object.hasOwn(tool.types, acted)) reportUnknownType(tool, acted, at("resource", "type"), report);
  checkReturns(tool, action, at, report);
  for (const { path, key } of argumentPaths(action)) checkArgumentPath(action, path, at(...key), report);
  checkBefore(tool, action, at, report);
  checkForce(action, at, report);
  checkNumbers(action, at, report);
}

function argumentPaths(action: Action): readonly { readonly path: string; readonly key: readonly string[] }[] {
  return [
    ...(action.resource === undefined ? [] : [{ path: action.resource.id, key: ["resource", "id"] }]),
    ...(action.resource?.fields === undefined ? [] : [{ path: action.resource.fields, key: ["resource", "fields"] }]),
    ...Object.entries(action.resource?.beforeArgs ?? {}).map(([key, path]) => ({ path, key: ["resource", "beforeArgs", key] })),
    ...action.destination.map((path) => ({ path, key: ["destination"] })),
    ...(action.statement?.params ?? []).map((path) => ({ path, key: ["statement", "params"] })),
    ...(action.batch === undefined ? [] : [{ path: action.batch, key: ["batch"] }]),
    ...(action.cost === undefined ? [] : [{ path: action.cost, key: ["cost"] }]),
  ];
}

function checkArgumentPath(action: Action, path: string, at: ReturnType<Source["at"]>, report: Report): void {
  const [root, ...steps] = path.split(".");
  const forced = steps.length === 1 && Object.hasOwn(action.force, steps[0] ?? "");
  if (root === "args" && steps.length > 0 && (forced || typeAt(action.args, steps) !== undefined)) return;
  reportError(report, {
    code: "invalid-path",
    at,
    what: `\`${path}\` is not an argument of this action`,
    why: "the value would always be missing",
    write: suggestion(
      path,
      declaredNames(action.args).map((name) => `args.${name}`),
      "declare it under `args`",
    ),
  });
}

function checkBefore(tool: ToolFile, action: Action, at: (...path: readonly string[]) => ReturnType<Source["at"]>, report: Report): void {
  const before = action.resource?.before;
  if (before === undefined) {
    if (action.resource?.beforeArgs !== undefined) {
      reportError(report, {
        code: "unknown-action",
        at: at("resource", "beforeArgs"),
        what: "`beforeArgs` without `before`",
        why: "nothing is loaded with them",
        write: "`before: get_ticket` beside it",
      });
    }
    return;
  }
  const loader = Object.hasOwn(tool.actions, before) ? tool.actions[before] : undefined;
  const fits = loader?.effect === "read" && loader.returns?.type === action.resource?.type;
  if (!fits) {
    reportError(report, {
      code: "unknown-action",
      at: at("resource", "before"),
      what: `\`${before}\` is not a read action of this tool that returns a \`${action.resource?.type ?? ""}\``,
      why: "the record is loaded with it before the call is decided",
      write: suggestion(
        before,
        Object.keys(tool.actions).filter(
          (name) => tool.actions[name]?.effect === "read" && tool.actions[name]?.returns?.type === action.resource?.type,
        ),
        "a read action with `returns`",
      ),
    });
    return;
  }
  for (const key of Object.keys(action.resource?.beforeArgs ?? { id: "args.id" })) {
    if (declaredNames(loader.args).includes(key)) continue;
    reportError(report, {
      code: "invalid-path",
      at: at("resource", action.resource?.beforeArgs === undefined ? "before" : "beforeArgs"),
      what: `\`${before}\` takes no argument \`${key}\``,
      why: "the record could not be loaded",
      write: `\`beforeArgs: { ${declaredNames(loader.args)[0] ?? "id"}: ${action.resource?.id ?? "args.id"} }\``,
    });
  }
}

const FORCED_SOURCES: ReadonlySet<string> = new Set(["principal.tenant", "principal.environment", "user.id"]);

function checkForce(action: Action, at: (...path: readonly string[]) => ReturnType<Source["at"]>, report: Report): void {
  for (const [key, value] of Object.entries(action.force)) {
    const type = typeAt(action.args, [key]);
    const known = FORCED_SOURCES.has(value) || value.startsWith("=");
    if (known && !key.endsWith("?") && (type === undefined || type === "string" || type === "any")) continue;
    reportError(report, {
      code: "invalid-value",
      at: at("force", key),
      what: known ? `forced argument \`${key}\` is not declared as a string` : `\`${value}\` is not something the broker can set`,
      why: "a forced argument is a text the broker knows for certain",
      write: "`principal.tenant`, `principal.environment`, `user.id`, or a literal such as `=open`",
    });
  }
}

function checkNumbers(action: Action, at: (...path: readonly string[]) => ReturnType<Source["at"]>, report: Report): void {
  const typeOf = (path: string | undefined) => (path === undefined ? undefined : typeAt(action.args, path.split(".").slice(1)));
  const batch = typeOf(action.batch);
  if (batch !== undefined && !isListType(batch)) {
    reportError(report, {
      code: "invalid-path",
      at: at("batch"),
      what: `\`${action.batch ?? ""}\` is not a list`,
      why: "the number of its items is the number of records touched",
      write: "an argument of type `[string]`",
    });
  }
  const cost = typeOf(action.cost);
  if (cost !== undefined && cost !== "integer" && cost !== "decimal") {
    reportError(report, {
      code: "invalid-path",
      at: at("cost"),
      what: `\`${action.cost ?? ""}\` is not a number`,
      why: "limits on cost count it",
      write: "an argument of type `integer` or `decimal`",
    });
  }
}
