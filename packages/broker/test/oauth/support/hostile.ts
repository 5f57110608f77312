import { createHmac } from "node:crypto";

/** A JWT made by hand, for headers and signatures that no library would make. */
export function handmade(header: unknown, payload: unknown, signature: string | Buffer = ""): string {
  return `${segment(header)}.${segment(payload)}.${Buffer.from(signature).toString("base64url")}`;
}

/** A JWT signed with an HMAC over `secret`, whatever the header says. */
export function hmacSigned(header: unknown, payload: unknown, secret: string | Buffer): string {
  const signed = `${segment(header)}.${segment(payload)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

export function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

function segment(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
