import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import type { PushSubscription } from "../../src/domain/notification.ts";

const folder = new URL("../smtp-tool/", import.meta.url);
export const PUSH_CA = readFileSync(new URL("localhost.cert.pem", folder), "utf8");

export interface Pushed {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** A push service of RFC 8030 as far as a broker sees it, over TLS. */
export interface PushService {
  readonly origin: string;
  readonly taken: Pushed[];
  /** Status of the next answers; 201 when there is none. */
  readonly statuses: number[];
  close(): Promise<void>;
}

export async function pushService(): Promise<PushService> {
  const taken: Pushed[] = [];
  const statuses: number[] = [];
  const server = createServer({ cert: PUSH_CA, key: readFileSync(new URL("localhost.key.pem", folder)) }, (request, response) => {
    void buffer(request).then((body) => {
      const status = statuses.shift() ?? 201;
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, value?.toString()]));
      if (status === 201) taken.push({ path: request.url ?? "", headers, body });
      // Real services answer with a sentence in plain text.
      response.writeHead(status, { "content-type": "text/plain" }).end(status === 201 ? "" : "no");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    taken,
    statuses,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A browser: what it gives the broker, and how it reads what comes. */
export interface PushBrowser {
  readonly subscription: PushSubscription;
  /** RFC 8291 section 3 and RFC 8188 section 2, by hand. @throws when it is not for this browser or was changed. */
  read(body: Buffer): string;
}

export function pushBrowser(origin: string): PushBrowser {
  const keys = createECDH("prime256v1");
  const point = keys.generateKeys();
  const auth = randomBytes(16);
  return {
    subscription: {
      endpoint: `${origin}/push/${randomBytes(8).toString("hex")}`,
      keys: { p256dh: point.toString("base64url"), auth: auth.toString("base64url") },
    },
    read: (body) => {
      const salt = body.subarray(0, 16);
      const idLength = body.readUInt8(20);
      const sender = body.subarray(21, 21 + idLength);
      const sealed = body.subarray(21 + idLength);
      const info = Buffer.concat([Buffer.from("WebPush: info\0"), point, sender]);
      const ikm = Buffer.from(hkdfSync("sha256", keys.computeSecret(sender), auth, info, 32));
      const key = Buffer.from(hkdfSync("sha256", ikm, salt, "Content-Encoding: aes128gcm\0", 16));
      const nonce = Buffer.from(hkdfSync("sha256", ikm, salt, "Content-Encoding: nonce\0", 12));
      const decipher = createDecipheriv("aes-128-gcm", key, nonce);
      decipher.setAuthTag(sealed.subarray(-16));
      const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
      return padded.subarray(0, padded.lastIndexOf(2)).toString("utf8");
    },
  };
}

/** Checks `Authorization: vapid` (RFC 8292 sections 2 and 3) against the key the broker publishes. Returns the claims. */
export async function vapidClaims(authorization: string, publicKey: string, audience: string): Promise<Record<string, unknown>> {
  const [, token = "", key = ""] = /^vapid t=([^,]+), ?k=(\S+)$/u.exec(authorization) ?? [];
  if (key !== publicKey) throw new Error("another key than the published one");
  const point = Buffer.from(publicKey, "base64url");
  const jwk = { kty: "EC", crv: "P-256", x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url") };
  if (decodeProtectedHeader(token).alg !== "ES256") throw new Error("another algorithm");
  const { payload } = await jwtVerify(token, await importJWK(jwk, "ES256"), { audience, algorithms: ["ES256"] });
  return payload;
}
