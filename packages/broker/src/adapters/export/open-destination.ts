import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ExportTarget } from "../../config/exports-schema.ts";
import { webhookKey } from "../outbound/standard-webhooks.ts";
import { type Destination, reasonOf } from "./destination.ts";
import { fileDestination } from "./file-destination.ts";
import { syslogDestination } from "./syslog-destination.ts";
import { webhookDestination } from "./webhook-destination.ts";

/** An export cannot begin as `log.yaml` has it. `message` says what to do. */
export class ExportTargetError extends Error {
  override readonly name = "ExportTargetError";
}

export interface DestinationPorts {
  readonly now: () => Date;
  readonly environment: (name: string) => string | undefined;
}

/** @throws ExportTargetError when a variable is not set, a secret is none, or the file of certificates cannot be read. */
export function openDestination(target: ExportTarget, ports: DestinationPorts): Destination {
  const url = new URL(target.to);
  switch (url.protocol) {
    case "syslog+tls:":
      return syslogDestination({ url, ca: certificates(target) });
    case "file:":
      return fileDestination(fileURLToPath(url), target.rotateAtBytes);
    default:
      return webhookDestination({
        url,
        now: ports.now,
        ca: certificates(target),
        headers: Object.fromEntries(Object.entries(target.headers ?? {}).map(([name, text]) => [name, filled(text, target, ports)])),
        secret: target.secret === undefined ? undefined : signingKey(filled(target.secret, target, ports), target),
      });
  }
}

function filled(text: string, { name }: ExportTarget, { environment }: DestinationPorts): string {
  return text.replaceAll(/\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/gu, (_, variable: string) => {
    const value = environment(variable);
    if (value !== undefined && value !== "") return value;
    throw new ExportTargetError(
      `the export \`${name}\` needs the environment variable \`${variable}\`, which is not set; set it and start the broker again`,
    );
  });
}

function signingKey(text: string, { name }: ExportTarget): Uint8Array {
  const key = webhookKey(text);
  if (key !== undefined) return key;
  throw new ExportTargetError(`the secret of the export \`${name}\` must be \`whsec_\` and 24 to 64 bytes in base64; make a new one`);
}

function certificates({ ca, name }: ExportTarget): string | undefined {
  if (ca === undefined) return undefined;
  try {
    return readFileSync(ca, "utf8");
  } catch (error) {
    throw new ExportTargetError(`the export \`${name}\` cannot read the certificates in \`${ca}\` (${reasonOf(error)}); name a PEM file`, {
      cause: error,
    });
  }
}
