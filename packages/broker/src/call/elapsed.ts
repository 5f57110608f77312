import type { CallPorts } from "./ports.ts";

/** Milliseconds since then; a clock that was set back meanwhile makes it 0. */
export function elapsedMs({ now }: Pick<CallPorts, "now">, since: Date): number {
  return Math.max(0, now().getTime() - since.getTime());
}
