/** What is used of pkcs11js 2.1. The package is optional, and so are its own types: where nothing compiles it, neither is there. */
declare module "pkcs11js" {
  namespace pkcs11 {
    type Handle = Buffer;
    type Template = readonly { readonly type: number; readonly value: number | string | boolean | Buffer }[];
    interface AesGCM {
      readonly type: number;
      readonly iv: Buffer;
      readonly ivBits: number;
      readonly aad: Buffer;
      readonly tagBits: number;
    }
    interface RsaOAEP {
      readonly type: number;
      readonly hashAlg: number;
      readonly mgf: number;
      readonly source: number;
    }
    interface Mechanism {
      readonly mechanism: number;
      readonly parameter?: AesGCM | RsaOAEP;
    }
    class PKCS11 {
      load(path: string): void;
      close(): void;
      C_Initialize(): void;
      C_Finalize(): void;
      C_GetSlotList(tokenPresent: boolean): Handle[];
      C_GetTokenInfo(slot: Handle): { readonly label: string; readonly serialNumber: string };
      C_OpenSession(slot: Handle, flags: number): Handle;
      C_Login(session: Handle, userType: number, pin: string): void;
      C_FindObjectsInit(session: Handle, template: Template): void;
      C_FindObjects(session: Handle, max: number): Handle[];
      C_FindObjectsFinal(session: Handle): void;
      C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
      C_Encrypt(session: Handle, data: Buffer, into: Buffer): Buffer;
      C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
      C_Decrypt(session: Handle, data: Buffer, into: Buffer): Buffer;
      C_GenerateKey(session: Handle, mechanism: Mechanism, template: Template): Handle;
      C_GenerateKeyPair(
        session: Handle,
        mechanism: Mechanism,
        publicKey: Template,
        privateKey: Template,
      ): { readonly publicKey: Handle; readonly privateKey: Handle };
    }
    const CKA_CLASS: number;
    const CKA_DECRYPT: number;
    const CKA_ENCRYPT: number;
    const CKA_EXTRACTABLE: number;
    const CKA_ID: number;
    const CKA_LABEL: number;
    const CKA_MODULUS_BITS: number;
    const CKA_PRIVATE: number;
    const CKA_PUBLIC_EXPONENT: number;
    const CKA_SENSITIVE: number;
    const CKA_TOKEN: number;
    const CKA_VALUE_LEN: number;
    const CKF_RW_SESSION: number;
    const CKF_SERIAL_SESSION: number;
    const CKG_MGF1_SHA1: number;
    const CKM_AES_GCM: number;
    const CKM_AES_KEY_GEN: number;
    const CKM_RSA_PKCS_KEY_PAIR_GEN: number;
    const CKM_RSA_PKCS_OAEP: number;
    const CKM_SHA_1: number;
    const CKO_PRIVATE_KEY: number;
    const CKO_PUBLIC_KEY: number;
    const CKO_SECRET_KEY: number;
    const CKU_USER: number;
    const CK_PARAMS_AES_GCM: number;
    const CK_PARAMS_RSA_OAEP: number;
  }
  export default pkcs11;
}
