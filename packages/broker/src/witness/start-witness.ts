import type { NoteKey } from "@bailiwick/ledger";
import { WitnessFault } from "./fault.ts";
import { readKeyFile } from "./key-file.ts";
import { serveWitness } from "./server.ts";
import { newState, openState } from "./state.ts";

export interface WitnessOptions {
  readonly keyFile: string;
  readonly stateFolder: string;
  /** Makes the state folder; refused when it is there already. */
  readonly fresh: boolean;
  readonly logs: readonly NoteKey[];
  readonly host: string;
  /** 0 asks the system for a free one. */
  readonly port: number;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  now(): Date;
  say(line: string): void;
}

export interface RunningWitness {
  readonly url: string;
  readonly key: NoteKey;
  close(): Promise<void>;
}

/** Starts a witness. @throws WitnessFault when its key, its state, its logs or its port cannot be used. */
export async function startWitness(options: WitnessOptions): Promise<RunningWitness> {
  const { logs } = options;
  if (logs.length === 0) throw new WitnessFault("a witness needs a log to watch; give the key of one with `--log`");
  if (logs.some(({ type }) => type !== "note"))
    throw new WitnessFault("a key given with `--log` is that of a witness; ask the log for its own");
  if (new Set(logs.map(({ name, id }) => `${name}+${id}`)).size !== logs.length)
    throw new WitnessFault("a key of a log is given twice; leave one out");
  const signer = await readKeyFile(options.keyFile);
  if (options.fresh) await newState(options.stateFolder, signer.key);
  const state = await openState(options.stateFolder, signer.key);
  try {
    const served = await serveWitness({ signer, logs, state, now: options.now, say: options.say }, options);
    return {
      url: served.url,
      key: signer.key,
      close: async () => {
        await served.close();
        state.close();
      },
    };
  } catch (error) {
    state.close();
    throw error;
  }
}
