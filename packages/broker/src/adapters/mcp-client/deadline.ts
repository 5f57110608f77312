import { Fault } from "../../domain/fault.ts";

/** The time one call may take. Stands still while the agent answers a question of the tool: that is not the tool's time. */
export interface Deadline {
  readonly signal: AbortSignal;
  hold(): void;
  release(): void;
  /** Replaces what is left, for instance once the call became a task with a life of its own. */
  extend(timeoutMs: number): void;
  end(): void;
}

export interface DeadlineOptions {
  readonly timeoutMs: number;
  /** The caller's own signal; aborting it cancels. */
  readonly outer: AbortSignal | undefined;
  readonly onTimeout: () => Fault;
}

/** One timer and one listener per call; `AbortSignal.any` and `AbortSignal.timeout` cost several times as much. */
export function createDeadline(options: DeadlineOptions): Deadline {
  const controller = new AbortController();
  let leftMs = options.timeoutMs;
  let startedAt = 0;
  let holds = 0;
  let timer: NodeJS.Timeout | undefined;

  const cancel = (): void => controller.abort(new Fault("cancelled", "the call was cancelled by its caller"));

  function start(): void {
    startedAt = performance.now();
    timer = setTimeout(() => controller.abort(options.onTimeout()), leftMs);
  }

  if (options.outer?.aborted === true) cancel();
  else options.outer?.addEventListener("abort", cancel, { once: true });
  start();

  return {
    signal: controller.signal,
    hold() {
      holds += 1;
      if (holds > 1) return;
      clearTimeout(timer);
      leftMs = Math.max(1, leftMs - (performance.now() - startedAt));
    },
    release() {
      holds -= 1;
      if (holds === 0) start();
    },
    extend(timeoutMs) {
      clearTimeout(timer);
      leftMs = timeoutMs;
      if (holds === 0) start();
    },
    end() {
      clearTimeout(timer);
      options.outer?.removeEventListener("abort", cancel);
    },
  };
}
