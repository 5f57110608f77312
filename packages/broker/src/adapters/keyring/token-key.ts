import { randomBytes } from "node:crypto";
import type pkcs11js from "pkcs11js";
import { Fault } from "../../domain/fault.ts";
import type { Pkcs11Uri } from "./pkcs11-uri.ts";

/** A key wrapped by the token's. `nonce` belongs to AES-GCM. */
export interface Wrapped {
  readonly mechanism: "aes-gcm" | "rsa-oaep";
  readonly nonce?: Buffer | undefined;
  readonly wrapped: Buffer;
}

export interface TokenKey {
  wrap(plain: Buffer): Wrapped;
  /** @throws Error when it was wrapped by another key or another mechanism. */
  unwrap(wrapped: Wrapped): Buffer;
}

type Binding = typeof pkcs11js;
type Module = pkcs11js.PKCS11;
type Handle = pkcs11js.Handle;

/** What is wrapped is bound to its purpose, so that another ciphertext of the same token key is none. */
const PURPOSE = Buffer.from("bailiwick root key");
const GCM_NONCE_BYTES = 12;
const GCM_TAG_BITS = 128;
const MAX_WRAPPED_BYTES = 1_024;
/** PKCS #11 section 2.1.8; the binding does not name it. */
const CKZ_DATA_SPECIFIED = 1;

/**
 * Runs `work` with the key the URI names: an AES key, or an RSA private key with its public half in the token.
 * Everything is synchronous, so the library is never initialised twice at once. The session ends before this returns.
 * @throws Fault `credential_unavailable`.
 */
export function withTokenKey<T>(
  binding: Binding,
  at: { readonly uri: Pkcs11Uri; readonly modulePath: string; readonly pin: string },
  work: (key: TokenKey) => T,
): T {
  const library = new binding.PKCS11();
  step(`the token's library \`${at.modulePath}\` cannot be loaded; name the right file`, () => library.load(at.modulePath));
  try {
    step("the token's library does not start; check its configuration", () => library.C_Initialize());
    try {
      const slot = findSlot(library, at.uri);
      const session = step("the token opens no session", () => library.C_OpenSession(slot, binding.CKF_SERIAL_SESSION));
      step("the token does not take the PIN; check it before the token locks itself", () =>
        library.C_Login(session, binding.CKU_USER, at.pin),
      );
      return work(keyOf(binding, library, session, at.uri));
    } finally {
      library.C_Finalize();
    }
  } finally {
    library.close();
  }
}

function findSlot(library: Module, uri: Pkcs11Uri): Handle {
  const matching = library.C_GetSlotList(true).filter((slot) => {
    const { label, serialNumber } = library.C_GetTokenInfo(slot);
    return (uri.token === undefined || label.trim() === uri.token) && (uri.serial === undefined || serialNumber.trim() === uri.serial);
  });
  const [slot, ...others] = matching;
  if (slot === undefined)
    throw new Fault("credential_unavailable", "no token is there that the URI describes; check its label, and that it is plugged in");
  if (others.length > 0) throw new Fault("credential_unavailable", "several tokens are there that the URI describes; add `serial` to it");
  return slot;
}

function keyOf(binding: Binding, library: Module, session: Handle, uri: Pkcs11Uri): TokenKey {
  const find = (objectClass: number): Handle | undefined => findOne(binding, library, session, uri, objectClass);
  const secret = find(binding.CKO_SECRET_KEY);
  if (secret !== undefined) return aesKey(binding, library, session, secret);
  const privateKey = find(binding.CKO_PRIVATE_KEY);
  const publicKey = find(binding.CKO_PUBLIC_KEY);
  if (privateKey === undefined || publicKey === undefined)
    throw new Fault(
      "credential_unavailable",
      "the token has no AES key, and no RSA pair, of the URI's `object` or `id`; make one in the token",
    );
  return rsaKey(binding, library, session, { privateKey, publicKey });
}

function findOne(binding: Binding, library: Module, session: Handle, uri: Pkcs11Uri, objectClass: number): Handle | undefined {
  library.C_FindObjectsInit(session, [
    { type: binding.CKA_CLASS, value: objectClass },
    ...(uri.object === undefined ? [] : [{ type: binding.CKA_LABEL, value: uri.object }]),
    ...(uri.id === undefined ? [] : [{ type: binding.CKA_ID, value: uri.id }]),
  ]);
  const found = library.C_FindObjects(session, 2);
  library.C_FindObjectsFinal(session);
  if (found.length > 1) throw new Fault("credential_unavailable", "several keys of the token fit the URI; name one by `id`");
  return found[0];
}

function aesKey(binding: Binding, library: Module, session: Handle, key: Handle): TokenKey {
  const mechanism = (nonce: Buffer): pkcs11js.Mechanism => ({
    mechanism: binding.CKM_AES_GCM,
    parameter: {
      type: binding.CK_PARAMS_AES_GCM,
      iv: nonce,
      ivBits: nonce.byteLength * 8,
      aad: PURPOSE,
      tagBits: GCM_TAG_BITS,
    },
  });
  return {
    wrap: (plain) => {
      const nonce = randomBytes(GCM_NONCE_BYTES);
      return step("the token's AES key does not wrap; it must allow encryption with AES-GCM", () => {
        library.C_EncryptInit(session, mechanism(nonce), key);
        return { mechanism: "aes-gcm", nonce, wrapped: Buffer.from(library.C_Encrypt(session, plain, Buffer.alloc(MAX_WRAPPED_BYTES))) };
      });
    },
    unwrap: ({ mechanism: used, nonce, wrapped }) => {
      if (used !== "aes-gcm" || nonce === undefined) throw new Error("it was not wrapped by an AES key");
      library.C_DecryptInit(session, mechanism(nonce), key);
      return Buffer.from(library.C_Decrypt(session, wrapped, Buffer.alloc(MAX_WRAPPED_BYTES)));
    },
  };
}

/** RSAES-OAEP (RFC 8017 section 7.1). With SHA-1, because tokens know no other there; OAEP does not need its collision resistance. */
function rsaKey(
  binding: Binding,
  library: Module,
  session: Handle,
  pair: { readonly privateKey: Handle; readonly publicKey: Handle },
): TokenKey {
  const mechanism: pkcs11js.Mechanism = {
    mechanism: binding.CKM_RSA_PKCS_OAEP,
    parameter: {
      type: binding.CK_PARAMS_RSA_OAEP,
      hashAlg: binding.CKM_SHA_1,
      mgf: binding.CKG_MGF1_SHA1,
      source: CKZ_DATA_SPECIFIED,
    },
  };
  return {
    wrap: (plain) =>
      step("the token's RSA key does not wrap; it must allow encryption with OAEP", () => {
        library.C_EncryptInit(session, mechanism, pair.publicKey);
        return { mechanism: "rsa-oaep", wrapped: Buffer.from(library.C_Encrypt(session, plain, Buffer.alloc(MAX_WRAPPED_BYTES))) };
      }),
    unwrap: ({ mechanism: used, wrapped }) => {
      if (used !== "rsa-oaep") throw new Error("it was not wrapped by an RSA key");
      library.C_DecryptInit(session, mechanism, pair.privateKey);
      return Buffer.from(library.C_Decrypt(session, wrapped, Buffer.alloc(MAX_WRAPPED_BYTES)));
    },
  };
}

function step<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new Fault("credential_unavailable", what, { cause });
  }
}
