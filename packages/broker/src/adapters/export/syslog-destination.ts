import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { type Batch, DeliveryFault, type Destination, reasonOf } from "./destination.ts";

/** RFC 5425 section 4.1. */
const DEFAULT_PORT = 6514;
/** Silence of the receiver after which a batch counts as not delivered. */
const TIMEOUT_MS = 30_000;
/** The shortest time taken for a round trip; the handshake, which is at least one, says whether it is longer. */
const SETTLE_MS = 20;

export interface SyslogDestinationOptions {
  readonly url: URL;
  /** Certificates that are trusted instead of the system's, PEM. */
  readonly ca?: string | undefined;
  /** Default TIMEOUT_MS. */
  readonly timeoutMs?: number;
  /** Default SETTLE_MS. */
  readonly settleMs?: number;
}

/**
 * Syslog over TLS (RFC 5425), frames by octet counting. Syslog has no acknowledgement, and bytes in a socket's buffer are lost with the
 * connection. So each batch has a connection of its own, and counts as delivered once the receiver has answered our end of it with its own
 * (section 4.4: it sends `close_notify` when it has read ours, which lies behind the batch). A receiver that ends by itself within a round trip
 * may have done so before it saw the batch, which therefore comes again. The TLS session is resumed to keep that cheap.
 */
export function syslogDestination({ url, ca, timeoutMs = TIMEOUT_MS, settleMs = SETTLE_MS }: SyslogDestinationOptions): Destination {
  const host = url.hostname.replace(/^\[|\]$/gu, "");
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  let session: Buffer | undefined;
  return {
    wants: "syslog messages",
    deliver: async (batch) => {
      const socket = connect({
        host,
        port,
        minVersion: "TLSv1.2",
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(ca === undefined ? {} : { ca }),
        ...(session === undefined ? {} : { session }),
      });
      socket.on("session", (ticket: Buffer) => (session = ticket));
      try {
        await sendAndHearTheEnd(socket, frames(batch), { timeoutMs, settleMs });
      } catch (error) {
        // A session the receiver has forgotten must not spoil every later attempt.
        session = undefined;
        throw new DeliveryFault("unreachable", `\`${url.host}\` did not take the batch over TLS: ${reasonOf(error)}`, { cause: error });
      } finally {
        socket.destroy();
      }
    },
  };
}

function sendAndHearTheEnd(
  socket: TLSSocket,
  bytes: Buffer,
  { timeoutMs, settleMs }: { readonly timeoutMs: number; readonly settleMs: number },
): Promise<void> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    let ended = false;
    let heard = false;
    let settling: NodeJS.Timeout | undefined;
    const end = (): void => {
      ended = true;
      socket.end();
    };
    socket.setTimeout(timeoutMs, () =>
      socket.destroy(new Error(ended ? "it did not end the connection after the batch" : "it is too slow")),
    );
    socket.once("secureConnect", () => {
      const waitMs = Math.max(settleMs, performance.now() - begun);
      socket.write(bytes, () => (settling = setTimeout(end, waitMs)));
    });
    socket.once("end", () => (heard = ended));
    socket.once("error", reject);
    socket.once("close", () => {
      clearTimeout(settling);
      if (heard) resolve();
      else reject(new Error("it ended the connection before it had the batch"));
    });
    socket.resume();
  });
}

/** RFC 5425 section 4.3: the length in octets, a space, the message. */
function frames({ lines }: Batch): Buffer {
  return Buffer.concat(
    lines.flatMap((line) => {
      const message = Buffer.from(line, "utf8");
      return [Buffer.from(`${message.length} `, "latin1"), message];
    }),
  );
}
