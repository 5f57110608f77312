import { hash } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** RFC 8705 section 3.1: base64url SHA-256 over the DER of the certificate whose key the peer used in the handshake; undefined without one. */
export function peerCertificate(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const { raw } = socket.getPeerCertificate();
  return raw === undefined ? undefined : hash("sha256", raw, "base64url");
}
