import { suggestion } from "../files/did-you-mean.ts";
import type { ToolFile } from "../files/schemas.ts";
import type { Report, Source } from "../files/source.ts";
import { declaredNames, typeAt } from "../facts/field-path.ts";
import type { CatalogAction, FieldType } from "../types.ts";
import { reportError } from "./findings.ts";

type At = (...path: readonly PropertyKey[]) => ReturnType<Source["at"]>;

/** What an action says of its result, and its arguments; of resources and prompts the same. */
type Entry = Pick<CatalogAction, "returns"> & { readonly args: Readonly<Record<string, FieldType>>; readonly force: object };

/** Checks where a result holds its records, and that nothing that is shown beside them lies among them. */
export function checkReturns(tool: ToolFile, entry: Entry, at: At, report: Report): void {
  const { returns } = entry;
  if (returns === undefined) return;
  if (!Object.hasOwn(tool.types, returns.type)) reportUnknownType(tool, returns.type, at("returns", "type"), report);
  if (!startsInResult(returns.at)) {
    reportError(report, {
      code: "invalid-path",
      at: at("returns", "at"),
      what: `\`${returns.at}\` does not start with \`result\``,
      why: "returned records are found inside the result",
      write: "`at: result` or `at: result.items`",
    });
  }
  checkBeside(returns, at, report);
  checkCursor(entry, at, report);
}

export function reportUnknownType(tool: ToolFile, type: string, at: ReturnType<At>, report: Report): void {
  reportError(report, {
    code: "unknown-type",
    at,
    what: `no type \`${type}\` is declared in this file`,
    why: "conditions over the record could not be checked",
    write: suggestion(type, Object.keys(tool.types), "declare it under `types`"),
  });
}

function startsInResult(path: string): boolean {
  return /^result(\.|$)/.test(path);
}

type Beside = readonly { readonly path: string; readonly key: readonly PropertyKey[] }[];

function checkBeside(returns: NonNullable<CatalogAction["returns"]>, at: At, report: Report): void {
  const beside: Beside = [
    ...returns.counts.map((path, index) => ({ path, key: ["counts", index] })),
    ...(returns.cursor === undefined ? [] : [{ path: returns.cursor.at, key: ["cursor", "at"] }]),
    ...returns.keep.map((path, index) => ({ path, key: ["keep", index] })),
  ];
  for (const [index, { path, key }] of beside.entries()) {
    const others = [returns.at, ...beside.slice(0, index).map((other) => other.path)];
    const other = others.find((each) => within(path, each) || within(each, path));
    if (startsInResult(path) && other === undefined) continue;
    reportError(report, {
      code: "invalid-path",
      at: at("returns", ...key),
      what: other === undefined ? `\`${path}\` does not start with \`result\`` : `\`${path}\` and \`${other}\` lie one in the other`,
      why: "only what stands beside the records can be shown where records are hidden, and each part in one way",
      write: "a path such as `result.total`, beside that of the records",
    });
  }
}

function within(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}.`);
}

function checkCursor({ returns, args, force }: Entry, at: At, report: Report): void {
  const arg = returns?.cursor?.arg;
  if (arg === undefined) return;
  const [root, name = "", ...below] = arg.split(".");
  const type = typeAt(args, [name]);
  if (root === "args" && below.length === 0 && (type === "string" || type === "any") && !Object.hasOwn(force, name)) return;
  reportError(report, {
    code: "invalid-path",
    at: at("returns", "cursor", "arg"),
    what: `\`${arg}\` is not an argument of type \`string\` or \`any\` that the agent sets`,
    why: "a sealed cursor is a text, and it comes back in this argument",
    write: suggestion(
      arg,
      declaredNames(args).map((each) => `args.${each}`),
      '`args: { "cursor?": string }` and `arg: args.cursor`',
    ),
  });
}
