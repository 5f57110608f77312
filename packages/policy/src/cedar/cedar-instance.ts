import { createRequire } from "node:module";
import type * as CedarModule from "@cedar-policy/cedar-wasm/nodejs";

export type Cedar = typeof CedarModule;

/** The interpreter failed in a way that says nothing about the policy; whoever asked must deny. */
export class EngineFault extends Error {
  override readonly name = "EngineFault";
}

const require = createRequire(import.meta.url);
const modulePath = require.resolve("@cedar-policy/cedar-wasm/nodejs");
let instance: Cedar | undefined;
let generation = 0;

/** Changes when the instance was replaced; everything preparsed before is gone then. */
export function cedarGeneration(): number {
  return generation;
}

/**
 * Runs one piece of work on the interpreter. A throw inside WebAssembly can leave its memory broken for good,
 * so the instance is dropped and the next call starts a new one.
 * @throws EngineFault when the work threw.
 */
export function withCedar<T>(work: (cedar: Cedar) => T): T {
  const cedar = (instance ??= newInstance());
  try {
    return work(cedar);
  } catch (error) {
    instance = undefined;
    generation += 1;
    throw new EngineFault(`the policy interpreter failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function newInstance(): Cedar {
  // The package instantiates at load, so a new instance needs a fresh evaluation of the module.
  Reflect.deleteProperty(require.cache, modulePath);
  const fresh: Cedar = require(modulePath);
  return fresh;
}
