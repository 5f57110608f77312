import { relative, resolve } from "node:path";
import { type Diagnostic, formatDiagnostic, load, type Policy, type PolicyFile } from "@bailiwick/policy";
import { readPolicyFolder } from "../config/read-folder.ts";
import type { Cli } from "./cli.ts";
import { CliFailure, EXIT } from "./failure.ts";

/** A policy folder that loads. */
export interface OpenFolder {
  readonly folder: string;
  /** The folder as people see it from where they stand. */
  readonly shown: string;
  readonly files: readonly PolicyFile[];
  readonly policy: Policy;
}

/**
 * Loads the folder that a command names, by default the one it runs in. Undefined when it does not load: then all that is wrong was
 * answered and the exit code is set.
 * @throws CliFailure when it cannot be read.
 */
export async function openPolicyFolder(cli: Cli, name: string | undefined): Promise<OpenFolder | undefined> {
  const folder = resolve(cli.io.cwd, name ?? ".");
  const files = await readPolicyFolder(folder).catch((error: unknown) => {
    throw new CliFailure(
      "usage",
      `cannot read the policy folder \`${folder}\`: ${error instanceof Error ? error.message : "unknown cause"}`,
      ["name the folder that holds `bailiwick.yaml`"],
    );
  });
  const shown = relative(cli.io.cwd, folder) || ".";
  const loaded = load(files);
  if (loaded.ok) return { folder, shown, files, policy: loaded.policy };
  const errors = loaded.diagnostics.filter((one) => one.severity === "error").length;
  cli.answer(
    { ok: false, folder, diagnostics: loaded.diagnostics },
    `${diagnosticsText(loaded.diagnostics)}${shown}: ${count(errors, "error")}; a broker keeps the version before\n`,
  );
  cli.exitWith(EXIT.refused);
  return undefined;
}

export function diagnosticsText(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((one) => `${formatDiagnostic(one)}\n\n`).join("");
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
