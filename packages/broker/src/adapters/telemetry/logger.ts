import { destination, type DestinationStream, type Logger, pino } from "pino";

export type { Logger };

/** Members whose values never reach the program's log, wherever they stand up to two levels deep. */
const SECRET_MEMBERS = [
  "authorization",
  "cookie",
  "token",
  "access_token",
  "client_assertion",
  "code",
  "password",
  "secret",
  "value",
  "operatorKey",
  "rootKey",
  "privateKey",
  "d",
  "args",
  "env",
] as const;

/** Refusal and fault codes are words like `no_grant`; a sign-in code is 43 random characters. Only the latter is hidden. */
const SIGN_IN_CODE = /^[A-Za-z0-9_-]{43}$/u;
const HIDDEN = "[hidden]";

/**
 * The program's log: JSON lines on stderr, because stdout belongs to data.
 * Errors are logged as message, code and stack; their causes too, so a cause must hold no secret (see `Fault`).
 */
export function createLogger(
  options: { readonly level?: string; readonly name?: string; readonly stream?: DestinationStream } = {},
): Logger {
  return pino(
    {
      name: options.name ?? "bailiwick",
      level: options.level ?? "info",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.errWithCause, err: pino.stdSerializers.errWithCause },
      redact: {
        paths: SECRET_MEMBERS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: (value, path) => (path.at(-1) === "code" && !SIGN_IN_CODE.test(String(value)) ? value : HIDDEN),
      },
    },
    options.stream ?? destination({ fd: 2, sync: true }),
  );
}
