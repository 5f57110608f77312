import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A disk that misbehaves under one process, until `heal` or the process's end. */
export interface Injection {
  heal(): Promise<void>;
}

/**
 * Injects into the system calls of a running process with strace(1), e.g. `fdatasync:error=EIO:when=3`: its third fdatasync from now on fails.
 * @throws Error when strace may not attach.
 */
export async function inject(pid: number, injection: string): Promise<Injection> {
  const call = injection.slice(0, injection.indexOf(":"));
  const tracer = spawn("strace", ["-p", String(pid), "-e", `trace=${call}`, "-e", `inject=${injection}`, "-o", "/dev/null"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const gone = once(tracer, "exit");
  const said: string[] = [];
  for await (const line of createInterface({ input: tracer.stderr })) {
    said.push(line);
    if (/Process \d+ attached/.test(line)) {
      tracer.stderr.resume();
      return {
        heal: async () => {
          tracer.kill("SIGINT");
          await gone;
        },
      };
    }
  }
  throw new Error(`strace did not attach to process ${pid}: ${said.join(" | ")}`);
}
