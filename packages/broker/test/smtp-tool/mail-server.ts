import { readFileSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** Key and certificate of `localhost`, made for these tests and used nowhere else. */
export const TEST_CERTIFICATE = readFileSync(new URL("localhost.cert.pem", import.meta.url), "utf8");
const TEST_KEY = readFileSync(new URL("localhost.key.pem", import.meta.url), "utf8");

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly user: unknown;
  readonly secure: boolean;
}

export interface TestMailServer {
  readonly port: number;
  readonly mails: readonly ReceivedMail[];
  readonly logins: readonly string[];
  /** Cuts the line to every client, as a crash of the server would. */
  cut(): void;
  close(): Promise<void>;
}

export const LOGIN = { user: "helpdesk-mail", password: "correct horse battery" };

/** A real mail server on 127.0.0.1 that asks for a login; `overrides` replaces single behaviours. */
export async function startMailServer(overrides: SMTPServerOptions = {}): Promise<TestMailServer> {
  const mails: ReceivedMail[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    key: TEST_KEY,
    cert: TEST_CERTIFICATE,
    authOptional: false,
    onAuth(auth, _session, callback) {
      logins.push(`${auth.username}:${auth.password}`);
      if (auth.username === LOGIN.user && auth.password === LOGIN.password) callback(null, { user: auth.username });
      else callback(new Error("bad login"));
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map((entry) => entry.address),
          raw: Buffer.concat(chunks).toString("utf8"),
          user: session.user,
          secure: session.secure,
        });
        callback(null);
      });
    },
    ...overrides,
  });
  server.on("error", () => {});
  const sockets = new Set<Socket>();
  server.server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: portOf(server.server.address()),
    mails,
    logins,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === "string") throw new Error("the mail server has no port");
  return address.port;
}
