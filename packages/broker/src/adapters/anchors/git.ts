import { execFile } from "node:child_process";
import { AnchorFault } from "../../domain/anchor.ts";

/** One call of the git program, the network included. */
const TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** Runs the git program in one bare repository. */
export interface Git {
  /** Standard output. @throws AnchorFault `unreachable`, naming the command and never an address. */
  run(args: readonly string[], options?: GitOptions): Promise<string>;
  /** The exit code decides: true for 0, false for 1. @throws AnchorFault for every other. */
  test(args: readonly string[]): Promise<boolean>;
}

export interface GitOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A repository that the git program finds at `folder`, with the broker's own SSH keys and credential helpers but no prompts and no hooks. */
export function gitIn(folder: string, environment: Readonly<Record<string, string | undefined>>): Git {
  const call = (args: readonly string[], { input, env = {} }: GitOptions = {}): Promise<{ code: number | undefined; stdout: string }> =>
    new Promise((resolve, reject) => {
      const child = execFile(
        "git",
        [...SETTINGS, `--git-dir=${folder}`, ...args],
        {
          env: { ...passedOn(environment), ...QUIET, ...IDENTITY, ...env },
          timeout: TIMEOUT_MS,
          killSignal: "SIGKILL",
          maxBuffer: MAX_OUTPUT_BYTES,
        },
        (error, stdout) => {
          if (error === null) return resolve({ code: 0, stdout });
          if (typeof error.code === "number") return resolve({ code: error.code, stdout });
          reject(failed(args, error));
        },
      );
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(input ?? "");
    });
  return {
    async run(args, options) {
      const { code, stdout } = await call(args, options);
      if (code !== 0) throw failed(args);
      return stdout;
    },
    async test(args) {
      const { code } = await call(args);
      if (code !== 0 && code !== 1) throw failed(args);
      return code === 0;
    },
  };
}

/** The broker's environment holds secrets, and settings of git that mean another repository. */
function passedOn(environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => PASSED_ON.test(name)));
}

/** What git wrote to stderr stays unsaid: it repeats addresses, which may hold a password. */
function failed(args: readonly string[], cause?: Error & { readonly code?: unknown }): AnchorFault {
  const missing = cause?.code === "ENOENT";
  const what = missing ? "the program `git` is not installed" : `\`git ${args[0] ?? ""}\` failed`;
  const next = missing ? "install it" : "run it by hand as the broker's user, and check the remote, its branch and the rights on both";
  return new AnchorFault("unreachable", `${what}; ${next}`);
}

const SETTINGS = ["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "-c", "commit.gpgSign=false"];
const PASSED_ON = /^(?:PATH|HOME|TMPDIR|XDG_CONFIG_HOME|SSH_AUTH_SOCK|GIT_SSH|GIT_SSH_COMMAND|(?:https?|all|no)_proxy)$/iu;
const QUIET = { GIT_TERMINAL_PROMPT: "0", GIT_ASKPASS: "", SSH_ASKPASS: "", GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" };
const IDENTITY = {
  GIT_AUTHOR_NAME: "bailiwick",
  GIT_AUTHOR_EMAIL: "bailiwick@localhost",
  GIT_COMMITTER_NAME: "bailiwick",
  GIT_COMMITTER_EMAIL: "bailiwick@localhost",
};
