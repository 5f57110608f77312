import type { Diagnostic, PolicyFile } from "@bailiwick/policy";

/** The policy folder as this broker last read it. */
export interface PolicyFolder {
  /** The files that the version in force was read from. */
  readonly files: readonly PolicyFile[];
  /** What lies there now and does not load. Absent: what lies there is in force, or about to be. */
  readonly rejected?: { readonly files: readonly PolicyFile[]; readonly diagnostics: readonly Diagnostic[] } | undefined;
}
