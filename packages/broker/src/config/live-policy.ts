import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { formatDiagnostic, load } from "@bailiwick/policy";
import type { Diagnostic, LoadResult, Policy, PolicyFile } from "@bailiwick/policy";
import type { PolicyFolder } from "../domain/policy-folder.ts";
import { readPolicyFolder } from "./read-folder.ts";

/** Editors write a file in several steps; a change is read when none followed for this long. */
const DEBOUNCE_MS = 100;
/** A version that could not be put in force is tried again after this long. */
const RETRY_MS = 5_000;

/** The policy files do not load. `diagnostics` is empty when the folder itself could not be read. */
export class PolicyLoadError extends Error {
  override readonly name = "PolicyLoadError";
  readonly diagnostics: readonly Diagnostic[];
  constructor(message: string, diagnostics: readonly Diagnostic[], options?: { cause?: unknown }) {
    super(message, options);
    this.diagnostics = diagnostics;
  }
}

/** A version and the files it was read from. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly files: readonly PolicyFile[];
}

export interface LivePolicyOptions {
  /**
   * Called before a version comes into force, the first one too. When it rejects, the version before stays in force and the folder is read
   * again after a while; the first version is not opened then.
   */
  readonly activate: (next: LoadedPolicy, before: LoadedPolicy | undefined) => Promise<void>;
  /** Called after a changed folder was loaded and is in force. Not called for the first version. */
  readonly onChange: (policy: Policy) => void;
  /** Called when a changed folder does not load; the version before stays in force. */
  readonly onError: (error: PolicyLoadError) => void;
}

export interface LivePolicy {
  current(): Policy;
  /** The files in force, and those that do not load when the folder was changed since. */
  folder(): PolicyFolder;
  /** Reads the folder now. A folder that cannot be read at all comes back as one diagnostic. */
  reload(): Promise<LoadResult>;
  close(): Promise<void>;
}

/**
 * Keeps the policy of a folder in force and reads it again when a file changes.
 * @throws PolicyLoadError when the first version does not load: there is nothing older to fall back on.
 */
export async function openLivePolicy(folder: string, options: LivePolicyOptions): Promise<LivePolicy> {
  // The watcher starts before the first read, so that no change falls between the two.
  const changes = watchFolder(folder);
  try {
    const first = await readAndLoad(folder, undefined);
    if (!first.result.ok) throw loadError(first.result.diagnostics);
    const loaded = { policy: first.result.policy, files: first.files };
    await options.activate(loaded, undefined);
    return keepInForce(folder, loaded, changes, options);
  } catch (error) {
    changes.watcher.close();
    throw error;
  }
}

function keepInForce(
  folder: string,
  first: LoadedPolicy,
  changes: FolderChanges,
  { activate, onChange, onError }: LivePolicyOptions,
): LivePolicy {
  let inForce = first;
  let rejected: PolicyFolder["rejected"];
  let closed = false;
  let queue: Promise<unknown> = Promise.resolve();
  const apply = async (): Promise<LoadResult> => {
    const { result, files } = await readAndLoad(folder, inForce.policy);
    if (closed) return result;
    rejected = result.ok ? undefined : { files, diagnostics: result.diagnostics };
    if (!result.ok) onError(loadError(result.diagnostics));
    else if (result.policy.version !== inForce.policy.version) {
      const next = { policy: result.policy, files };
      try {
        await activate(next, inForce);
      } catch (error) {
        changes.again(RETRY_MS);
        throw error;
      }
      inForce = next;
      onChange(next.policy);
    }
    return result;
  };
  // One read at a time: of two that overlap, the older could win.
  const reload = (): Promise<LoadResult> => {
    const next = queue.then(apply);
    queue = next.catch(() => undefined);
    return next;
  };
  changes.listen(
    () =>
      void reload().catch((error: unknown) =>
        onError(
          new PolicyLoadError("the changed policy could not be put in force and is tried again; see the cause", [], { cause: error }),
        ),
      ),
    onError,
  );
  return {
    current: () => inForce.policy,
    folder: () => ({ files: inForce.files, ...(rejected === undefined ? {} : { rejected }) }),
    reload,
    close: async () => {
      closed = true;
      changes.stop();
      await queue;
    },
  };
}

interface FolderChanges {
  readonly watcher: FSWatcher;
  listen(onQuiet: () => void, onError: (error: PolicyLoadError) => void): void;
  /** Reads the folder again in `ms`, changed or not. */
  again(ms: number): void;
  stop(): void;
}

function watchFolder(folder: string): FolderChanges {
  let timer: NodeJS.Timeout | undefined;
  let listener: (() => void) | undefined;
  let missed = false;
  const watcher = openWatcher(folder);
  watcher.on("change", () => {
    clearTimeout(timer);
    if (listener === undefined) missed = true;
    else timer = setTimeout(listener, DEBOUNCE_MS);
  });
  let failed: ((error: Error) => void) | undefined;
  watcher.on("error", (error) => failed?.(error));
  return {
    watcher,
    listen: (onQuiet, onError) => {
      listener = onQuiet;
      failed = (error) =>
        onError(new PolicyLoadError(`\`${folder}\` is no longer watched; changes need a restart or a reload`, [], { cause: error }));
      if (missed) timer = setTimeout(onQuiet, DEBOUNCE_MS);
    },
    again: (ms) => {
      clearTimeout(timer);
      if (listener !== undefined) timer = setTimeout(listener, ms);
    },
    stop: () => {
      listener = undefined;
      clearTimeout(timer);
      watcher.close();
    },
  };
}

function openWatcher(folder: string): FSWatcher {
  try {
    return watch(folder, { recursive: true, persistent: false });
  } catch (error) {
    throw new PolicyLoadError(`the policy folder \`${folder}\` cannot be opened; name an existing folder`, [], { cause: error });
  }
}

/** `running` spares asking the policy language again for what did not change. */
async function readAndLoad(folder: string, running: Policy | undefined): Promise<{ result: LoadResult; files: readonly PolicyFile[] }> {
  try {
    const files = await readPolicyFolder(folder);
    return { result: load(files, running), files };
  } catch (error) {
    const what = error instanceof Error ? error.message : "the folder cannot be read";
    const diagnostic: Diagnostic = {
      code: "folder",
      severity: "error",
      at: { file: folder, line: 1 },
      what,
      why: "a folder that is not read completely could lose a rule",
      write: "a readable folder in the policy format",
    };
    return { result: { ok: false, diagnostics: [diagnostic] }, files: [] };
  }
}

function loadError(diagnostics: readonly Diagnostic[]): PolicyLoadError {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  return new PolicyLoadError(
    `the policy has ${String(errors.length)} error(s)\n${errors.map((error) => formatDiagnostic(error)).join("\n")}`,
    diagnostics,
  );
}
