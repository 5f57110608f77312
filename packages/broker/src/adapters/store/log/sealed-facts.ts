import { canonicalize, commitText } from "@bailiwick/ledger";
import type { JsonObject } from "@bailiwick/policy";
import { createHmac, type KeyObject } from "node:crypto";
import { z } from "zod";
import { randomBytes } from "../../system/random.ts";
import { seal, unseal } from "../sealing.ts";
import { canonicalText } from "./canonical-text.ts";

/** Facts beyond this are replaced by their size: a call's arguments are bounded at the edge well below it. */
const MAX_FACTS_BYTES = 8 * 1024 * 1024;
const SALT_BYTES = 32;

/** Facts as they are stored, and what their record says of them. */
export interface SealedFacts {
  readonly sealed: Buffer;
  /** By member: a salted commitment to its canonical form. The salts lie sealed with the facts and are gone with them. */
  readonly commitments: Readonly<Record<string, string>>;
}

/** What is opened again: each member with the salt of its commitment, in hexadecimal. */
export interface OpenedFacts {
  readonly facts: JsonObject;
  readonly salts: Readonly<Record<string, string>>;
}

export function sealFacts(facts: JsonObject, key: KeyObject, associated: string): SealedFacts {
  const members = bounded(
    Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, canonicalText(value)] as const])),
  );
  const commitments: Record<string, string> = {};
  const [texts, salts]: [string[], string[]] = [[], []];
  for (const [given, text] of members) {
    const name = given.toWellFormed();
    const salt = randomBytes(SALT_BYTES);
    commitments[name] = commitText(text, salt);
    texts.push(`${JSON.stringify(name)}:${text}`);
    salts.push(`${JSON.stringify(name)}:"${Buffer.from(salt).toString("hex")}"`);
  }
  const plain = `{"facts":{${texts.join(",")}},"salts":{${salts.join(",")}}}`;
  return { sealed: seal(key, Buffer.from(plain, "utf8"), associated), commitments };
}

const openedSchema = z.object({ facts: z.record(z.string(), z.json()), salts: z.record(z.string(), z.string()) });

/** @throws Error when key or record are not those they were sealed for. */
export function openFacts(sealed: Uint8Array, key: KeyObject, associated: string): OpenedFacts {
  return openedSchema.parse(JSON.parse(unseal(key, sealed, associated).toString("utf8")));
}

/** A commitment to a value that is not kept: it can be checked by who has the value, as long as the subject's key exists. */
export function commitUnder(key: KeyObject, associated: string, member: string, value: string): string {
  return commitText(value, createHmac("sha256", key).update(`${associated}|${member}`).digest());
}

/** Sealed facts open only for the call and the kind of record they were written with. */
export function associatedWith(tenant: string, callId: string, kind: string): string {
  return `facts|${tenant}|${callId}|${kind}`;
}

function bounded(members: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  const bytes = members.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0);
  return bytes <= MAX_FACTS_BYTES ? members : [["omitted", canonicalize({ why: "too large", bytes })]];
}
