import { randomBytes, timingSafeEqual } from "node:crypto";
import type pkcs11js from "pkcs11js";
import { z } from "zod";
import { Fault } from "../../domain/fault.ts";
import { keepFirst, readPrivate } from "./keep-first.ts";
import { type Pkcs11Uri, parsePkcs11Uri } from "./pkcs11-uri.ts";
import { type TokenKey, withTokenKey, type Wrapped } from "./token-key.ts";

const ROOT_KEY_BYTES = 32;

const wrappedFile = z.strictObject({
  version: z.literal(1),
  mechanism: z.enum(["aes-gcm", "rsa-oaep"]),
  nonce: z.base64().optional(),
  wrapped: z.base64(),
});

/**
 * The root key, wrapped by a key that never leaves a PKCS #11 token. `path` holds the wrapped form; it is made at first use.
 * The token is needed at start only. The PIN comes from BAILIWICK_PKCS11_PIN, BAILIWICK_PKCS11_PIN_FILE or the URI's `pin-source`.
 * @throws Fault `credential_unavailable` with what to do: no module, token, key or PIN, or a key that did not wrap this file.
 */
export async function rootKeyFromToken(uriText: string, path: string, environment: (name: string) => string | undefined): Promise<Buffer> {
  const uri = parsePkcs11Uri(uriText);
  const pin = await pinOf(uri, environment);
  const modulePath = uri.modulePath ?? environment("BAILIWICK_PKCS11_MODULE");
  if (modulePath === undefined || modulePath === "")
    throw new Fault(
      "credential_unavailable",
      "the token's library is not named; add `?module-path=/path/to/library.so` to the URI, or set BAILIWICK_PKCS11_MODULE",
    );
  const pkcs11 = await loadBinding();
  const use = <T>(work: (key: TokenKey) => T): T => withTokenKey(pkcs11, { uri, modulePath, pin }, work);
  const kept = await readWrapped(path);
  if (kept !== undefined) return use((key) => unwrap(key, kept, path));
  const fresh = randomBytes(ROOT_KEY_BYTES);
  const wrapped = use((key) => {
    const made = key.wrap(fresh);
    // A key that wraps and does not unwrap would lock every credential away for good.
    if (!timingSafeEqual(unwrap(key, made, path), fresh)) throw doesNotOpen(path);
    return made;
  });
  await keepFirst(path, `${JSON.stringify({ version: 1, ...texts(wrapped) })}\n`);
  const first = await readWrapped(path);
  if (first === undefined)
    throw new Fault("credential_unavailable", `the wrapped root key could not be kept in \`${path}\`; make its folder writable`);
  return use((key) => unwrap(key, first, path));
}

async function readWrapped(path: string): Promise<Wrapped | undefined> {
  const text = await readPrivate(path, "the wrapped root key");
  if (text === undefined) return undefined;
  try {
    const { mechanism, nonce, wrapped } = wrappedFile.parse(JSON.parse(text));
    return {
      mechanism,
      wrapped: Buffer.from(wrapped, "base64"),
      ...(nonce === undefined ? {} : { nonce: Buffer.from(nonce, "base64") }),
    };
  } catch {
    throw new Fault("credential_unavailable", `\`${path}\` holds no wrapped root key; put its backup in place`);
  }
}

function texts({ mechanism, nonce, wrapped }: Wrapped): Omit<z.input<typeof wrappedFile>, "version"> {
  return {
    mechanism,
    wrapped: wrapped.toString("base64"),
    ...(nonce === undefined ? {} : { nonce: nonce.toString("base64") }),
  };
}

function unwrap(key: TokenKey, wrapped: Wrapped, path: string): Buffer {
  try {
    const plain = key.unwrap(wrapped);
    if (plain.byteLength === ROOT_KEY_BYTES) return plain;
  } catch {
    // Falls through: what the token says of its failure helps nobody.
  }
  throw doesNotOpen(path);
}

function doesNotOpen(path: string): Fault {
  return new Fault(
    "credential_unavailable",
    `the token's key does not open \`${path}\`; name the key it was wrapped with, or put the file's backup in place`,
  );
}

async function pinOf(uri: Pkcs11Uri, environment: (name: string) => string | undefined): Promise<string> {
  const given = environment("BAILIWICK_PKCS11_PIN");
  if (given !== undefined && given !== "") return given;
  const file = environment("BAILIWICK_PKCS11_PIN_FILE") || uri.pinFile;
  const pin = file === undefined ? undefined : (await readPrivate(file, "the token's PIN"))?.replace(/\r?\n$/u, "");
  if (pin === undefined || pin === "")
    throw new Fault(
      "credential_unavailable",
      "the token's PIN is not given; set BAILIWICK_PKCS11_PIN, or name its file with BAILIWICK_PKCS11_PIN_FILE",
    );
  return pin;
}

async function loadBinding(): Promise<typeof pkcs11js> {
  try {
    const loaded = await import("pkcs11js");
    return loaded.default;
  } catch {
    throw new Fault(
      "credential_unavailable",
      "the optional package `pkcs11js` is not installed or not built, and the root key is in a token; install it with a C++ compiler at hand",
    );
  }
}
