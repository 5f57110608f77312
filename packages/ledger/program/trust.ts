import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { LedgerError, parseNoteKey, parsePolicyText, type TrustPolicy } from "../src/index.ts";

/** Whom the auditor believes, as the command line says it. */
export interface TrustOptions {
  readonly key?: readonly string[] | undefined;
  readonly policy?: string | undefined;
  readonly witness?: readonly string[] | undefined;
  readonly "witness-quorum"?: string | undefined;
}

/** The command line was not understood, or a file that it names cannot be used. */
export class WrongUsage extends Error {
  override readonly name = "WrongUsage";
}

/** Keys and witnesses from options, or from a policy file (C2SP tlog-policy); never from the log itself. @throws WrongUsage */
export function trustOf(options: TrustOptions, cwd: string): TrustPolicy {
  const { key = [], policy, witness = [] } = options;
  if ((policy === undefined) === (key.length === 0))
    throw new WrongUsage(
      "pin the log's key with `--key <key>`, or its keys and witnesses with `--policy <file>`: the operator of the log gives them, not the log",
    );
  const trust = policy === undefined ? fromKeys(key, witness) : fromFile(resolve(cwd, policy), witness);
  return quorumOf(trust, options["witness-quorum"]);
}

function fromKeys(keys: readonly string[], witnesses: readonly string[]): TrustPolicy {
  return readable("`--key` and `--witness`", () => {
    const cosigners = witnesses.map((text) => ({ key: parseNoteKey(text) }));
    const of = cosigners.map(({ key }) => key);
    return { logs: keys.map((text) => ({ key: parseNoteKey(text) })), witnesses: cosigners, quorum: { needed: of.length, of } };
  });
}

function fromFile(path: string, witnesses: readonly string[]): TrustPolicy {
  if (witnesses.length > 0) throw new WrongUsage("a policy names its witnesses: leave `--witness` out, or pin keys with `--key`");
  return readable(`\`${path}\``, () => parsePolicyText(readFileSync(path)));
}

function quorumOf(trust: TrustPolicy, quorum: string | undefined): TrustPolicy {
  if (quorum === undefined) return trust;
  const of = trust.witnesses.map(({ key }) => key);
  const needed = /^(?:0|[1-9][0-9]{0,3})$/.test(quorum) ? Number(quorum) : Infinity;
  if (needed > of.length) throw new WrongUsage(`\`--witness-quorum\` is from 0 to the number of witnesses, ${of.length}`);
  return { ...trust, quorum: { needed, of } };
}

function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof LedgerError) throw new WrongUsage(`${what}: ${error.message}`);
    if (error instanceof Error && "code" in error) throw new WrongUsage(`${what} cannot be read: ${error.message}`);
    throw error;
  }
}
