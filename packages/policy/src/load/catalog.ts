import { isDeepStrictEqual } from "node:util";
import { durationMs } from "../files/duration.ts";
import { suggestion } from "../files/did-you-mean.ts";
import type { ToolFile } from "../files/schemas.ts";
import type { Report, Source } from "../files/source.ts";
import { isExactScope, isGodMode } from "../rules/scope.ts";
import type { CatalogAction, CatalogTool, FieldType } from "../types.ts";
import { checkAction } from "./check-action.ts";
import { checkUndo } from "./check-undo.ts";
import { checkEgress } from "./check-egress.ts";
import { checkHttpTool, checkRequest } from "./check-request.ts";
import { checkSqlAction, checkTables } from "./check-tables.ts";
import { checkReturns } from "./check-returns.ts";
import { credentialUse } from "./credentials.ts";
import { compareText, reportError } from "./findings.ts";
import type { Shaped } from "./folder.ts";

/** Arguments of every smtp tool's only action, in the adapter's terms. */
const SMTP_SEND_ARGS: Readonly<Record<string, FieldType>> = { to: "email", subject: "string", body: "string", "cc?": ["email"] };

/** The tools in the order of their names, with everything the catalog says checked against itself. */
export function readCatalog(files: readonly Shaped<ToolFile>[], report: Report): readonly CatalogTool[] {
  const tools = files.map((file) => readTool(file)).toSorted((a, b) => compareText(a.tool, b.tool));
  for (const { source, value } of files) {
    checkTool(source, value, report);
    for (const name of Object.keys(value.actions)) checkAction(source, value, name, report);
    checkListed(source, value, report);
    checkHttpTool(source, value, report);
    checkTables(source, value, report);
    for (const name of Object.keys(value.actions)) checkSqlAction(source, value, name, report);
    for (const name of Object.keys(value.actions)) checkRequest(source, value, name, report);
    for (const name of Object.keys(value.actions)) checkUndo(source, value, name, report);
  }
  checkEgress(files, report);
  checkUnique(files, report);
  return tools;
}

function readTool({ source, value }: Shaped<ToolFile>): CatalogTool {
  const actions = [
    ...Object.entries(value.actions).map(([name, entry]): CatalogAction => {
      const { is: scope, timeout, ...rest } = entry;
      return {
        ...rest,
        operation: { tool: value.tool, kind: "tool", name },
        scope,
        timeoutMs: durationMs(timeout),
        at: source.at(["actions", name]),
      };
    }),
    ...Object.entries(value.resources).map(([name, entry]) => plain(source, value.tool, "resource", name, { ...entry, args: {} })),
    ...Object.entries(value.prompts).map(([name, entry]) => plain(source, value.tool, "prompt", name, entry)),
  ];
  return {
    tool: value.tool,
    connect: value.connect,
    ...(value.credential === undefined ? {} : { credential: credentialUse(value.credential) }),
    types: value.types,
    tenantField: value.tenantField,
    tables: Object.entries(value.tables).map(([name, table]) => ({ name, ...table, at: source.at(["tables", name]) })),
    actions,
    at: source.at(["tool"]),
  };
}

function plain(source: Source, tool: string, kind: "resource" | "prompt", name: string, entry: ToolFile["prompts"][string]): CatalogAction {
  const { is: scope, timeout, ...rest } = entry;
  const at = source.at([`${kind}s`, name]);
  const none = { force: {}, push: {}, tokens: [], destination: [] };
  return { ...rest, ...none, operation: { tool, kind, name }, scope, timeoutMs: durationMs(timeout), at };
}

function checkListed(source: Source, tool: ToolFile, report: Report): void {
  for (const [name, entry] of Object.entries(tool.resources))
    checkReturns(tool, { ...entry, args: {}, force: {} }, (...path) => source.at(["resources", name, ...path]), report);
  for (const [name, entry] of Object.entries(tool.prompts))
    checkReturns(tool, { ...entry, force: {} }, (...path) => source.at(["prompts", name, ...path]), report);
}

function checkTool(source: Source, tool: ToolFile, report: Report): void {
  const scopes: readonly (readonly [readonly string[], string])[] = [
    ...Object.entries(tool.actions).map(([name, entry]) => [["actions", name, "is"], entry.is] as const),
    ...Object.entries(tool.resources).map(([name, entry]) => [["resources", name, "is"], entry.is] as const),
    ...Object.entries(tool.prompts).map(([name, entry]) => [["prompts", name, "is"], entry.is] as const),
  ];
  for (const [path, scope] of scopes) checkScopeName(source, path, scope, report);
  for (const [type, field] of Object.entries(tool.tenantField)) checkTenantField(source, tool, type, field, report);
  for (const type of Object.keys(tool.types)) {
    if (["Agent", "Role", "Tool", "Action"].includes(type)) {
      reportError(report, {
        code: "reserved-type",
        at: source.at(["types", type]),
        what: `\`${type}\` is a name of the policy language itself`,
        why: "a record could then stand for an agent or an action",
        write: `another name, such as \`${type}Record\``,
      });
    }
  }
  for (const uri of Object.keys(tool.resources)) {
    if (/\*./.test(uri)) {
      reportError(report, {
        code: "invalid-value",
        at: source.at(["resources", uri]),
        what: `\`${uri}\` has a \`*\` before its end`,
        why: "a resource is named by its URI or by a prefix",
        write: `\`${uri.slice(0, uri.indexOf("*") + 1)}\``,
      });
    }
  }
  checkConnectionKind(source, tool, report);
}

function checkScopeName(source: Source, path: readonly string[], scope: string, report: Report): void {
  if (isExactScope(scope) && !isGodMode(scope)) return;
  reportError(report, {
    code: isGodMode(scope) ? "god-mode" : "invalid-scope",
    at: source.at(path),
    what: isGodMode(scope) ? `\`${scope}\` stands for everything at once` : `\`${scope}\` is not a scope`,
    why: "an action is granted by its own `tool:action` name",
    write: "`is: tickets:read`, lower case, one colon",
  });
}

function checkTenantField(source: Source, tool: ToolFile, type: string, field: string, report: Report): void {
  const fields = Object.hasOwn(tool.types, type) ? tool.types[type] : undefined;
  if (fields === undefined) {
    reportError(report, {
      code: "unknown-type",
      at: source.at(["tenantField", type]),
      what: `no type \`${type}\` is declared here`,
      why: "its records would not be kept within their tenant",
      write: suggestion(type, Object.keys(tool.types), "declare it under `types`"),
    });
    return;
  }
  if (fields[field] === "string") return;
  reportError(report, {
    code: "unknown-field",
    at: source.at(["tenantField", type]),
    what: `\`${type}.${field}\` is not a required string`,
    why: "a record whose tenant is not known is never shown",
    write: suggestion(field, Object.keys(fields), `\`${field}: string\` in the type`),
  });
}

function checkConnectionKind(source: Source, tool: ToolFile, report: Report): void {
  const smtp = "smtp" in tool.connect;
  const names = Object.keys(tool.actions);
  if (smtp && (names.length !== 1 || names[0] !== "send" || !isDeepStrictEqual(tool.actions["send"]?.args, SMTP_SEND_ARGS))) {
    reportError(report, {
      code: "smtp-action",
      at: source.at(["actions"]),
      what: "a tool reached by smtp offers exactly one action `send` with the adapter's arguments",
      why: "the adapter sends one mail from these arguments and nothing else",
      write: '`send: { ..., args: { to: email, subject: string, body: string, "cc?": [email] } }`',
    });
  }
}

function checkUnique(files: readonly Shaped<ToolFile>[], report: Report): void {
  const tools = new Map<string, string>();
  const types = new Map<string, { readonly file: string; readonly fields: unknown }>();
  for (const { source, value } of files) {
    const other = tools.get(value.tool);
    if (other !== undefined) {
      reportError(report, {
        code: "duplicate-id",
        at: source.at(["tool"]),
        what: `tool \`${value.tool}\` is already described in \`${other}\``,
        why: "each tool has one description",
        write: "another name, or one file",
      });
    }
    tools.set(value.tool, source.path);
    for (const [type, fields] of Object.entries(value.types)) {
      const known = types.get(type);
      if (known !== undefined && !isDeepStrictEqual(known.fields, fields)) {
        reportError(report, {
          code: "duplicate-type",
          at: source.at(["types", type]),
          what: `type \`${type}\` has other fields than in \`${known.file}\``,
          why: "a rule that speaks of it would mean two things",
          write: "the same fields in both files, or another name",
        });
      }
      types.set(type, { file: source.path, fields });
    }
  }
}
