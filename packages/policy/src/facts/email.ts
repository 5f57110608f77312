import { CedarRecord } from "../cedar/value.ts";

/** One plain address (RFC 5321 dot-string and LDH domain). Display names, lists, quotes and international forms are refused: a mail server could read them otherwise than policy does. */
const EMAIL =
  /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)$/;
/** Longest address of RFC 5321 section 4.5.3.1. */
const MAX_EMAIL = 254;

/** The record that conditions see of an address; undefined when the text is none. */
export function readEmail(text: string): CedarRecord | undefined {
  const [, local, domain] = (text.length <= MAX_EMAIL ? EMAIL.exec(text) : null) ?? [];
  if (local === undefined || domain === undefined) return undefined;
  const lower = domain.toLowerCase();
  return new CedarRecord(
    new Map([
      ["address", `${local}@${lower}`],
      ["local", local],
      ["domain", lower],
    ]),
  );
}
