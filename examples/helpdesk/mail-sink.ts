import { appendFile } from "node:fs/promises";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";

/** A mail as it arrived. */
export interface SunkMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string;
  readonly subject: string;
  readonly body: string;
}

export interface MailSink {
  readonly port: number;
  /** All mails since the start, oldest first. */
  mails(): readonly SunkMail[];
  close(): Promise<void>;
}

/** Bytes of one mail the sink takes. */
const MAX_MAIL_BYTES = 1024 * 1024;

/**
 * A real mail server on 127.0.0.1 that delivers nowhere: it keeps what it gets, in memory and as JSON lines in `file`.
 * Only the named logins may hand mail in.
 */
export async function startMailSink(options: {
  readonly logins: Readonly<Record<string, string>>;
  readonly file: string;
}): Promise<MailSink> {
  const mails: SunkMail[] = [];
  const server = new SMTPServer({
    authOptional: false,
    // The line never leaves this machine, and a certificate nobody vouches for would be refused.
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    size: MAX_MAIL_BYTES,
    onAuth(auth, _session, callback) {
      const { username = "", password = "" } = auth;
      if (Object.hasOwn(options.logins, username) && options.logins[username] === password) callback(null, { user: username });
      else callback(new Error("unknown login"));
    },
    onData(stream, session, callback) {
      void keep(stream, session, callback);
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.server.address();
  if (address === null || typeof address === "string") throw new Error("the mail sink has no port");
  return {
    port: address.port,
    mails: () => [...mails],
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };

  async function keep(stream: SMTPServerDataStream, session: SMTPServerSession, callback: (error?: Error | null) => void): Promise<void> {
    try {
      const mail = await receive(stream, session);
      await appendFile(options.file, `${JSON.stringify(mail)}\n`);
      mails.push(mail);
      callback(null);
    } catch (error) {
      callback(error instanceof Error ? error : new Error("the mail could not be kept"));
    }
  }
}

async function receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<SunkMail> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString("utf8");
  const end = text.indexOf("\r\n\r\n");
  const { mailFrom, rcptTo } = session.envelope;
  return {
    from: mailFrom === false ? "" : mailFrom.address,
    to: rcptTo.map((entry) => entry.address),
    user: session.user ?? "",
    subject: /^subject: (.*)$/im.exec(text.slice(0, end))?.[1]?.trim() ?? "",
    body: text.slice(end + 4).trim(),
  };
}
