import { onTestFinished } from "vitest";
import { runListen } from "../../../broker/src/cli/connect.ts";
import type { LocalGateway } from "../../src/index.ts";
import type { TestBroker } from "./broker.ts";

export interface Sidecar extends LocalGateway {
  readonly warned: readonly string[];
  stop(): Promise<void>;
}

/** `bailiwick connect --listen` inside this process. */
export async function startSidecar(broker: Pick<TestBroker, "url" | "keyFile">): Promise<Sidecar> {
  const stop = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<LocalGateway>();
  const warned: string[] = [];
  const done = runListen({
    url: broker.url,
    keyFile: broker.keyFile,
    user: "ada",
    task: "T-1",
    host: "127.0.0.1",
    port: 0,
    stop: stop.promise,
    warn: (line) => warned.push(line),
    ready: ready.resolve,
  });
  done.catch(ready.reject);
  const gateway = await ready.promise;
  const end = async (): Promise<void> => {
    stop.resolve();
    await done;
  };
  onTestFinished(end);
  return { ...gateway, warned, stop: end };
}
