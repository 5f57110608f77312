import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isoCBOR } from "@simplewebauthn/server/helpers";
import { z } from "zod";

/** What a browser would hand to `navigator.credentials`. */
const optionsSchema = z.looseObject({ challenge: z.string(), user: z.looseObject({ id: z.string() }).optional() });

interface Twist {
  /** Where the page was that asked; default: the broker's own. */
  readonly origin?: string;
  /** The counter that is claimed; default: one more than before. */
  readonly counter?: number;
  /** Whether the person was verified; default true. */
  readonly verified?: boolean;
}

/** A passkey in software: what a security key does, with the ways to do it wrong that attacks need. */
export interface Authenticator {
  readonly id: string;
  register(options: unknown, twist?: Twist): Record<string, unknown>;
  assert(options: unknown, twist?: Twist): Record<string, unknown> & { readonly response: Record<string, string> };
}

export function softAuthenticator(place: { readonly rpId: string; readonly origin: string }): Authenticator {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = randomBytes(16);
  let counter = 0;
  let handle = "";
  const head = { id: id.toString("base64url"), rawId: id.toString("base64url"), type: "public-key" };
  const authenticatorData = (flags: number, count: number): Buffer => {
    const counted = Buffer.alloc(4);
    counted.writeUInt32BE(count);
    return Buffer.concat([createHash("sha256").update(place.rpId).digest(), Buffer.from([flags]), counted]);
  };
  const flagsOf = (twist: Twist): number => (twist.verified === false ? 0x01 : 0x05);
  const clientData = (type: string, challenge: string, twist: Twist): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin: twist.origin ?? place.origin, crossOrigin: false }));
  return {
    id: head.id,
    register: (given, twist = {}) => {
      const { challenge, user } = optionsSchema.parse(given);
      handle = user?.id ?? "";
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const attested = Buffer.concat([Buffer.alloc(16), length, id, coseOf(publicKey)]);
      const authData = Buffer.concat([authenticatorData(flagsOf(twist) | 0x40, 0), attested]);
      const object = isoCBOR.encode(
        new Map<string, string | Map<string, string> | Uint8Array<ArrayBuffer>>([
          ["fmt", "none"],
          ["attStmt", new Map<string, string>()],
          ["authData", new Uint8Array(authData)],
        ]),
      );
      return {
        ...head,
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientData("webauthn.create", challenge, twist).toString("base64url"),
          attestationObject: Buffer.from(object).toString("base64url"),
          transports: ["internal"],
        },
      };
    },
    assert: (given, twist = {}) => {
      const { challenge } = optionsSchema.parse(given);
      counter = twist.counter ?? counter + 1;
      const data = authenticatorData(flagsOf(twist), counter);
      const said = clientData("webauthn.get", challenge, twist);
      const signature = sign("sha256", Buffer.concat([data, createHash("sha256").update(said).digest()]), privateKey);
      return {
        ...head,
        clientExtensionResults: {},
        response: {
          clientDataJSON: said.toString("base64url"),
          authenticatorData: data.toString("base64url"),
          signature: signature.toString("base64url"),
          ...(handle === "" ? {} : { userHandle: handle }),
        },
      };
    },
  };
}

/** COSE_Key of a P-256 key (RFC 9053 section 7.1). */
function coseOf(key: KeyObject): Buffer {
  const { x, y } = z.object({ x: z.string(), y: z.string() }).parse(key.export({ format: "jwk" }));
  const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, "base64url"));
  const map = new Map<number, number | Uint8Array<ArrayBuffer>>([
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, bytes(x)],
    [-3, bytes(y)],
  ]);
  return Buffer.from(isoCBOR.encode(map));
}
