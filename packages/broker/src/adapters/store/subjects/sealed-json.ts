import { seal, unseal } from "../sealing.ts";
import type { Subject } from "./subjects.ts";

/** A value as a row holds it: JSON under the key of the person it is about. `associated` names the row, so that it opens in no other. */
export function sealJson({ key }: Pick<Subject, "key">, value: unknown, associated: string): Buffer {
  return seal(key, Buffer.from(JSON.stringify(value), "utf8"), associated);
}

/** @throws Error when key or row are not those it was sealed for. */
export function openJson({ key }: Pick<Subject, "key">, sealed: Uint8Array, associated: string): unknown {
  return JSON.parse(unseal(key, sealed, associated).toString("utf8"));
}
