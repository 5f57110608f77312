import type { z } from "zod";
import { checkShape } from "../files/check-shape.ts";
import { partnersFile } from "../files/partner-schema.ts";
import type { PartnersFile } from "../files/partner-schema.ts";
import { agentFile, gatesFile, mainFile, roleFile, testFile, toolFile } from "../files/schemas.ts";
import type { AgentFile, GatesFile, MainFile, RoleFile, TestFile, ToolFile } from "../files/schemas.ts";
import { readSource } from "../files/source.ts";
import type { Report, Source } from "../files/source.ts";
import type { PolicyFile } from "../types.ts";
import { compareText, reportError } from "./findings.ts";

/** A file that has the right shape, with its positions. */
export interface Shaped<T> {
  readonly source: Source;
  readonly value: T;
}

/** The folder, file by file; each checked alone, nothing checked across files yet. */
export interface Folder {
  readonly main: Shaped<MainFile> | undefined;
  readonly tools: readonly Shaped<ToolFile>[];
  readonly roles: readonly Shaped<RoleFile>[];
  readonly agents: readonly Shaped<AgentFile>[];
  readonly gates: Shaped<GatesFile> | undefined;
  readonly partners: Shaped<PartnersFile> | undefined;
  readonly cedar: readonly PolicyFile[];
  readonly tests: readonly Shaped<TestFile>[];
}

const LAYOUT =
  "`bailiwick.yaml`, `gates.yaml`, `partners.yaml`, `tools/*.yaml`, `roles/*.yaml`, `agents/*.yaml`, `policies/*.cedar`, `tests/*.yaml`, `log.yaml`, `approvals.yaml`, `notify.yaml`";

export function readFolder(files: readonly PolicyFile[], report: Report): Folder {
  const sorted = files.toSorted((a, b) => compareText(a.path, b.path));
  reportUnknownFiles(sorted, report);
  const all = <T extends z.ZodType>(pattern: RegExp, schema: T): readonly Shaped<z.output<T>>[] =>
    sorted.filter((file) => pattern.test(file.path)).flatMap((file) => shape(file, schema, report));
  const main = all(/^bailiwick\.yaml$/, mainFile)[0];
  if (!sorted.some((file) => file.path === "bailiwick.yaml")) reportMissingMain(report);
  return {
    main,
    tools: all(/^tools\/[^/]+\.yaml$/, toolFile),
    roles: all(/^roles\/[^/]+\.yaml$/, roleFile),
    agents: all(/^agents\/[^/]+\.yaml$/, agentFile),
    gates: all(/^gates\.yaml$/, gatesFile)[0],
    partners: all(/^partners\.yaml$/, partnersFile)[0],
    cedar: sorted.filter((file) => /^policies\/[^/]+\.cedar$/.test(file.path)),
    tests: all(/^tests\/[^/]+\.yaml$/, testFile),
  };
}

function shape<T extends z.ZodType>(file: PolicyFile, schema: T, report: Report): readonly Shaped<z.output<T>>[] {
  const source = readSource(file, report);
  if (source === undefined) return [];
  const value = checkShape(source, schema, report);
  return value === undefined ? [] : [{ source, value }];
}

function reportMissingMain(report: Report): void {
  reportError(report, {
    code: "no-main-file",
    at: { file: "bailiwick.yaml", line: 1 },
    what: "the folder has no `bailiwick.yaml`",
    why: "without it there is no tenant and no environment, so nothing can be decided",
    write: "`bailiwick.yaml` with `version: 1`, `tenants` and `environments`",
  });
}

// `log.yaml` says how the log is kept, `approvals.yaml` how people are tested, `notify.yaml` whom the broker tells; they grant nothing, and the broker reads them by itself.
const KNOWN =
  /^(bailiwick|gates|partners|log|approvals|notify)\.yaml$|^(tools|roles|agents|tests)\/[^/]+\.yaml$|^policies\/[^/]+\.cedar$|\.md$/;

function reportUnknownFiles(files: readonly PolicyFile[], report: Report): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    if (!KNOWN.test(path)) {
      reportError(report, {
        code: "unknown-file",
        at: { file: path, line: 1 },
        what: "this file has no place in a policy folder",
        why: "a rule in a file that is not read would silently not apply",
        write: `only ${LAYOUT} and *.md`,
      });
    }
    if (seen.has(path)) {
      reportError(report, {
        code: "duplicate-file",
        at: { file: path, line: 1 },
        what: "this file was given twice",
        why: "one of the two would be ignored",
        write: "each path once",
      });
    }
    seen.add(path);
  }
}
