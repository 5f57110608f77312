import { Fault } from "../../domain/fault.ts";

/** Which key of which token wraps the root key. */
export interface Pkcs11Uri {
  readonly modulePath: string | undefined;
  readonly token: string | undefined;
  readonly serial: string | undefined;
  readonly object: string | undefined;
  readonly id: Buffer | undefined;
  /** Of `pin-source=file:/path`. */
  readonly pinFile: string | undefined;
}

const KNOWN = new Set(["token", "serial", "object", "id", "type", "module-path", "pin-source"]);

/**
 * Reads a PKCS #11 URI (RFC 7512): `pkcs11:token=...;object=...?module-path=...&pin-source=file:/...`.
 * @throws Fault `credential_unavailable` for anything the broker would have to ignore, and for `pin-value`: a PIN in a URI ends up in logs.
 */
export function parsePkcs11Uri(text: string): Pkcs11Uri {
  const [path = "", query = "", ...more] = text.slice("pkcs11:".length).split("?");
  if (more.length > 0) throw wrong("it has two `?`");
  const parts = new Map<string, string>();
  for (const [part, separator] of [
    [path, ";"],
    [query, "&"],
  ] as const) {
    for (const pair of part.split(separator).filter((each) => each !== "")) addPair(parts, pair);
  }
  const type = parts.get("type");
  if (type !== undefined && type !== "secret-key" && type !== "private") throw wrong("its `type` is neither `secret-key` nor `private`");
  if (!parts.has("object") && !parts.has("id")) throw wrong("it names no key by `object` or `id`");
  if (!parts.has("token") && !parts.has("serial")) throw wrong("it names no token by `token` or `serial`");
  return {
    modulePath: parts.get("module-path"),
    token: parts.get("token"),
    serial: parts.get("serial"),
    object: parts.get("object"),
    id: parts.has("id") ? Buffer.from(parts.get("id") ?? "", "latin1") : undefined,
    pinFile: pinFileOf(parts.get("pin-source")),
  };
}

function addPair(parts: Map<string, string>, pair: string): void {
  const at = pair.indexOf("=");
  const name = pair.slice(0, Math.max(0, at));
  if (name === "pin-value") throw wrong("it holds a PIN; give the PIN in BAILIWICK_PKCS11_PIN or in a file (`pin-source=file:/path`)");
  if (!KNOWN.has(name)) throw wrong(`the broker does not know its attribute \`${name}\``);
  if (parts.has(name)) throw wrong(`it has \`${name}\` twice`);
  parts.set(name, decoded(pair.slice(at + 1), name === "id"));
}

/** RFC 7512 section 2.3: `id` is bytes; everything else is UTF-8. */
function decoded(text: string, bytes: boolean): string {
  try {
    return bytes
      ? text.replaceAll(/%([0-9a-f]{2})/giu, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      : decodeURIComponent(text);
  } catch {
    throw wrong("its percent-encoding is broken");
  }
}

function pinFileOf(source: string | undefined): string | undefined {
  if (source === undefined) return undefined;
  const path = source.replace(/^file:(?:\/\/)?/u, "");
  if (!path.startsWith("/")) throw wrong("its `pin-source` is no `file:/path`");
  return path;
}

function wrong(why: string): Fault {
  return new Fault(
    "credential_unavailable",
    `BAILIWICK_ROOT_KEY is no usable PKCS #11 URI: ${why}; write \`pkcs11:token=<label>;object=<key label>?module-path=<library>\``,
  );
}
