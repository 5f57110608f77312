/** Exit codes of every command: 0 done, and these. */
export const EXIT = { refused: 1, usage: 2, fault: 3 } as const;

/** Ends a command. `message` says what and why; `next` are things to do, commands where there is one. */
export class CliFailure extends Error {
  override readonly name = "CliFailure";
  readonly exitCode: number;
  readonly next: readonly string[];
  readonly code: string;
  constructor(kind: keyof typeof EXIT, message: string, next: readonly string[] = [], code: string = kind) {
    super(message);
    this.exitCode = EXIT[kind];
    this.next = next;
    this.code = code;
  }
}
