import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pkcs11 from "pkcs11js";
import { PIN, SOFTHSM_MODULE } from "./needs-soft-token.ts";

export interface SoftToken {
  readonly label: string;
  readonly folder: string;
  uri(object: string): string;
  /** What the broker is told of it, beside the URI. */
  environment(name: string): string | undefined;
  close(): void;
}

/** A fresh token with an AES key `root`, another `other`, and an RSA pair `pair`. */
export function makeSoftToken(): SoftToken {
  const folder = mkdtempSync(join(tmpdir(), "bailiwick-token-"));
  mkdirSync(join(folder, "tokens"));
  const conf = join(folder, "softhsm2.conf");
  writeFileSync(conf, `directories.tokendir = ${join(folder, "tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  process.env["SOFTHSM2_CONF"] = conf;
  const label = "bailiwick test";
  execFileSync("softhsm2-util", ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "so-pin-0815"], {
    env: { ...process.env, SOFTHSM2_CONF: conf },
  });
  makeKeys(label);
  return {
    label,
    folder,
    uri: (object) => `pkcs11:token=${encodeURIComponent(label)};object=${object}?module-path=${SOFTHSM_MODULE}`,
    environment: (name) => (name === "BAILIWICK_PKCS11_PIN" ? PIN : undefined),
    close: () => {
      delete process.env["SOFTHSM2_CONF"];
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeKeys(label: string): void {
  const library = new pkcs11.PKCS11();
  library.load(SOFTHSM_MODULE);
  library.C_Initialize();
  try {
    const slot = library.C_GetSlotList(true).find((each) => library.C_GetTokenInfo(each).label.trim() === label);
    if (slot === undefined) throw new Error("the new token is not there");
    const session = library.C_OpenSession(slot, pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION);
    library.C_Login(session, pkcs11.CKU_USER, PIN);
    for (const name of ["root", "other"]) makeAesKey(library, session, name);
    makeRsaPair(library, session, "pair");
  } finally {
    library.C_Finalize();
    library.close();
  }
}

function makeAesKey(library: pkcs11.PKCS11, session: Buffer, name: string): void {
  library.C_GenerateKey(session, { mechanism: pkcs11.CKM_AES_KEY_GEN }, [
    { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_SECRET_KEY },
    { type: pkcs11.CKA_TOKEN, value: true },
    { type: pkcs11.CKA_PRIVATE, value: true },
    { type: pkcs11.CKA_SENSITIVE, value: true },
    { type: pkcs11.CKA_EXTRACTABLE, value: false },
    { type: pkcs11.CKA_LABEL, value: name },
    { type: pkcs11.CKA_VALUE_LEN, value: 32 },
    { type: pkcs11.CKA_ENCRYPT, value: true },
    { type: pkcs11.CKA_DECRYPT, value: true },
  ]);
}

function makeRsaPair(library: pkcs11.PKCS11, session: Buffer, name: string): void {
  library.C_GenerateKeyPair(
    session,
    { mechanism: pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN },
    [
      { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_PUBLIC_KEY },
      { type: pkcs11.CKA_TOKEN, value: true },
      { type: pkcs11.CKA_LABEL, value: name },
      { type: pkcs11.CKA_MODULUS_BITS, value: 2_048 },
      { type: pkcs11.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
      { type: pkcs11.CKA_ENCRYPT, value: true },
    ],
    [
      { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_PRIVATE_KEY },
      { type: pkcs11.CKA_TOKEN, value: true },
      { type: pkcs11.CKA_PRIVATE, value: true },
      { type: pkcs11.CKA_SENSITIVE, value: true },
      { type: pkcs11.CKA_LABEL, value: name },
      { type: pkcs11.CKA_DECRYPT, value: true },
    ],
  );
}
