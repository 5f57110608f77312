import { Fault } from "../domain/fault.ts";
import type { CallPorts } from "./ports.ts";
import type { DecidedCall } from "./types.ts";

/** The credential a call is about to use, as its records name it: never its value. */
export interface NamedCredential {
  readonly name: string;
  /** Absent when none could be opened; the call then ends in `inject`. */
  readonly version?: number | undefined;
}

/**
 * Says before the intent which version `inject` will use, so that the intent names what the effect is done with.
 * It is the same look-up as in `inject`, answered from the cache; its failure is left to `inject`, which records it.
 */
export async function peekCredential(ports: Pick<CallPorts, "credentials">, call: DecidedCall): Promise<NamedCredential | undefined> {
  const wanted = call.tool.credential;
  if (wanted === undefined) return undefined;
  try {
    const opened = await ports.credentials.open(wanted.name, { ...call.connection, session: call.session });
    return { name: wanted.name, ...(opened === undefined ? {} : { version: opened.version }) };
  } catch (failure) {
    if (failure instanceof Fault) return { name: wanted.name };
    throw failure;
  }
}
