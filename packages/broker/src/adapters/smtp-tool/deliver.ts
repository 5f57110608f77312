import { Readable } from "node:stream";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { Fault } from "../../domain/fault.ts";
import { ToolError } from "../../domain/tool.ts";
import { MAX_REPLY_CHARACTERS } from "./limits.ts";

/** Where mail is handed in, and as whom. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  readonly from: string;
  readonly login: { readonly user: string; readonly password: string } | undefined;
  /** PEM of further trusted authorities; the system's are always trusted. */
  readonly ca?: string | undefined;
}

export interface Delivery {
  readonly accepted: readonly string[];
  readonly rejected: readonly string[];
}

/**
 * Hands one message in, once, on a connection of its own: a login is on the wire for one call only.
 * TLS is used when the server offers it (RFC 3207) and its certificate is checked; a login to another machine is never sent without TLS.
 * An abort counts until the first byte of the message leaves; after that the mail cannot be called back and the answer is awaited.
 * @throws Fault `tool_unavailable` (not one byte of the message was sent), `cancelled` (likewise), `tool_lost` and `tool_timeout` (message bytes were sent, no answer).
 * @throws ToolError when the server refuses sender, all recipients or the message.
 */
export async function deliver(
  server: MailServer,
  mail: { readonly to: readonly string[]; readonly bytes: Buffer },
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Delivery> {
  const connection = openConnection(server, options.timeoutMs);
  const stage = { sent: false };
  const over = interruption(connection, stage, options);
  try {
    await open(connection, server, over.promise);
    return await Promise.race([over.promise, transfer(connection, server.from, mail, stage)]);
  } catch (error) {
    throw explain(error, stage, server);
  } finally {
    over.stop();
    if (stage.sent) connection.quit();
    connection.close();
  }
}

/** Logs in and leaves: nothing is sent. @throws Fault `tool_unavailable` when the server is not there or does not take the login. */
export async function tryMailLogin(server: MailServer, timeoutMs: number): Promise<void> {
  const connection = openConnection(server, timeoutMs);
  const stage = { sent: false };
  const over = interruption(connection, stage, { timeoutMs, signal: new AbortController().signal });
  try {
    await open(connection, server, over.promise);
  } catch (error) {
    throw explain(error, stage, server);
  } finally {
    over.stop();
    connection.quit();
    connection.close();
  }
}

async function open(connection: SMTPConnection, server: MailServer, over: Promise<never>): Promise<void> {
  await Promise.race([over, settle((done) => connection.connect(done))]);
  if (server.login === undefined) return;
  requireSafeLogin(server, connection);
  const { user, password } = server.login;
  await Promise.race([over, settle((done) => connection.login({ credentials: { user, pass: password } }, done))]);
}

function openConnection(server: MailServer, timeoutMs: number): SMTPConnection {
  const connection = new SMTPConnection({
    host: server.host,
    port: server.port,
    secure: server.port === SMTPS_PORT,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    tls: { minVersion: "TLSv1.2", ...(server.ca === undefined ? {} : { ca: server.ca }) },
  });
  return connection;
}

/** RFC 8314 section 3.3: submission over implicit TLS. */
const SMTPS_PORT = 465;

function requireSafeLogin(server: MailServer, connection: SMTPConnection): void {
  if (connection.secure || LOOPBACK.has(server.host)) return;
  throw new Fault(
    "tool_unavailable",
    `the mail server \`${server.host}\` offers no TLS, so its login was not sent; turn on STARTTLS there`,
  );
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

async function transfer(
  connection: SMTPConnection,
  from: string,
  mail: { readonly to: readonly string[]; readonly bytes: Buffer },
  stage: { sent: boolean },
): Promise<Delivery> {
  const { promise, resolve, reject } = Promise.withResolvers<Delivery>();
  // The stream is first read after the server's 354: reading it is the moment from which the outcome can be unknown.
  const body = Readable.from(
    (function* () {
      stage.sent = true;
      yield mail.bytes;
    })(),
  );
  connection.send({ from, to: [...mail.to], size: mail.bytes.length }, body, (error, info) => {
    if (error !== null && error !== undefined) reject(error);
    else resolve({ accepted: info?.accepted.map(addressOf) ?? [], rejected: info?.rejected.map(addressOf) ?? [] });
  });
  return promise;
}

function addressOf(entry: string | { readonly address?: string | undefined }): string {
  return typeof entry === "string" ? entry : (entry.address ?? "");
}

function interruption(
  connection: SMTPConnection,
  stage: { readonly sent: boolean },
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): { readonly promise: Promise<never>; stop(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    if (stage.sent) return;
    reject(new Fault("cancelled", "the call was cancelled before the mail was handed in; nothing was sent"));
    connection.close();
  };
  const timer = setTimeout(() => {
    reject(
      stage.sent
        ? new Fault(
            "tool_timeout",
            `the mail server took the mail but did not confirm it within ${options.timeoutMs} ms; check its log before sending again`,
          )
        : new Fault(
            "tool_unavailable",
            `the mail server was not ready for the mail within ${options.timeoutMs} ms; nothing was sent, try again later`,
          ),
    );
    connection.close();
  }, options.timeoutMs);
  // A failing connect is told as an event only; without a listener a late error would end the process.
  connection.on("error", reject);
  // Nobody may await the promise when an event comes late; that must not count as unhandled.
  promise.catch(() => {});
  options.signal.addEventListener("abort", abort, { once: true });
  if (options.signal.aborted) abort();
  return {
    promise,
    stop: () => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", abort);
    },
  };
}

function settle(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  start((error) => {
    if (error === undefined || error === null) resolve();
    else reject(error);
  });
  return promise;
}

/** What nodemailer's errors carry; read by hand because its callbacks type them as plain errors. */
function factsOf(error: unknown): {
  readonly responseCode: number | undefined;
  readonly response: string;
  readonly command: string;
  readonly code: string;
} {
  const text = (name: string): string => {
    const value: unknown = error instanceof Error ? Reflect.get(error, name) : undefined;
    return typeof value === "string" ? value : "";
  };
  const responseCode: unknown = error instanceof Error ? Reflect.get(error, "responseCode") : undefined;
  return {
    responseCode: typeof responseCode === "number" ? responseCode : undefined,
    response: text("response"),
    command: text("command"),
    code: text("code"),
  };
}

function explain(error: unknown, stage: { readonly sent: boolean }, server: MailServer): Error {
  if (error instanceof Fault || error instanceof ToolError) return error;
  const facts = factsOf(error);
  const place = `the mail server \`${server.host}:${server.port}\``;
  if (facts.code === "EAUTH") {
    return new Fault("tool_unavailable", `${place} refused this tool's login; nothing was sent, check its credential`);
  }
  const answered =
    facts.responseCode !== undefined && facts.responseCode >= 400 && ["MAIL FROM", "RCPT TO", "DATA"].includes(facts.command);
  if (answered || facts.code === "EMESSAGE") {
    return new ToolError(
      facts.responseCode ?? 552,
      `${place} refused the mail: ${facts.response.slice(0, MAX_REPLY_CHARACTERS) || "it is too large"}`,
    );
  }
  return stage.sent
    ? new Fault(
        "tool_lost",
        `${place} went away after mail bytes were sent; whether it took the mail is unknown, check its log before sending again`,
      )
    : new Fault("tool_unavailable", `${place} cannot be used (${facts.code || "no connection"}); nothing was sent, try again later`);
}
