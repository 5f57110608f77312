import { z } from "zod";
import { EXPORT_FORMATS } from "../domain/export.ts";

const NAME = /^[a-z][a-z0-9_-]{0,62}$/u;
const HEADER = /^[a-z][a-z0-9-]{0,63}$/u;
const ENVIRONMENT_REFERENCE = /^\$\{env:[A-Za-z_][A-Za-z0-9_]*\}$/u;
/** Headers that carry what lets somebody in; their values have no place in the policy folder. */
const SECRET_HEADER = /authorization|cookie|key|token|secret/u;
/** Headers that the delivery itself sets. */
const OWN_HEADER = /^(?:host|content-.*|connection|transfer-encoding|webhook-.*)$/u;
/** A file smaller than one record with its line could never hold one. */
const MIN_FILE_BYTES = 1_048_576;

const headers = z.record(
  z.string(),
  z
    .string()
    .max(4_096)
    .regex(/^[\x20-\x7e]+$/u, { error: "must be visible ASCII" }),
);

const target = z
  .strictObject({
    name: z.string().regex(NAME, { error: "must be small letters, digits, `-` and `_`" }),
    tenant: z.string().min(1).max(256),
    format: z.enum(EXPORT_FORMATS),
    /** `syslog+tls://host:port`, `https://...`, or `file:///...`. */
    to: z.string().max(2_048),
    /** Index of the first record to deliver. */
    from: z.int().min(0).exactOptional(),
    /** File with the certificates to trust instead of the system's, PEM. */
    ca: z.string().min(1).exactOptional(),
    /** Standard Webhooks: signs what is sent. */
    secret: z
      .string()
      .regex(ENVIRONMENT_REFERENCE, { error: "must be `${env:NAME}`: a secret has no place in the policy folder" })
      .exactOptional(),
    headers: headers.exactOptional(),
    /** A file that has reached this size is put aside and a new one begun. */
    rotateAtBytes: z.int().min(MIN_FILE_BYTES).exactOptional(),
  })
  .superRefine((value, context) => {
    const wrong = problemOf(value);
    if (wrong !== undefined) context.addIssue({ code: "custom", path: [wrong.member], message: wrong.message });
  });

/** An export as `log.yaml` names it. */
export type ExportTarget = z.output<typeof target>;

/** The member `exports` of `log.yaml`. */
export const exportsSchema = z
  .array(target)
  .max(64)
  .superRefine((targets, context) => {
    const repeated = firstRepeated(targets.map(({ tenant, name }) => `${tenant}/${name}`));
    if (repeated !== undefined) {
      context.addIssue({
        code: "custom",
        path: [repeated, "name"],
        message: "is the name of another export of this tenant: choose another, or both share one cursor",
      });
    }
    const files = targets.map(({ to }, index) => (to.startsWith("file:") ? to : `${index}`));
    const shared = firstRepeated(files);
    if (shared !== undefined)
      context.addIssue({ code: "custom", path: [shared, "to"], message: "is the file of another export: give each its own" });
  });

interface Problem {
  readonly member: string;
  readonly message: string;
}

/** What each kind of destination needs and what is of no use to it. */
function problemOf(value: z.input<typeof target>): Problem | undefined {
  const url = URL.parse(value.to);
  if (url === null) return { member: "to", message: "must be `syslog+tls://host:port`, `https://...` or `file:///...`" };
  if (url.username !== "" || url.password !== "")
    return { member: "to", message: "must not hold a password; use `headers` with `${env:NAME}`" };
  switch (url.protocol) {
    case "syslog+tls:":
      return syslogProblem(value, url);
    case "https:":
    case "http:":
      return webhookProblem(value, url);
    case "file:":
      return fileProblem(value, url);
    default:
      return { member: "to", message: "must begin with `syslog+tls:`, `https:` or `file:`" };
  }
}

function syslogProblem(value: z.input<typeof target>, url: URL): Problem | undefined {
  if (url.hostname === "" || !/^\/?$/u.test(url.pathname) || url.search !== "" || url.hash !== "")
    return { member: "to", message: "must be `syslog+tls://host:port` and nothing more" };
  if (value.format === "csv")
    return { member: "format", message: "has a line of headings, which syslog has no place for; choose another format" };
  return useless(value, ["secret", "headers", "rotateAtBytes"], "syslog");
}

function webhookProblem(value: z.input<typeof target>, url: URL): Problem | undefined {
  if (url.protocol === "http:" && !/^(?:localhost|127\.0\.0\.1|\[::1\])$/u.test(url.hostname))
    return { member: "to", message: "must be `https:`: only this machine itself may be reached without encryption" };
  if (url.hash !== "") return { member: "to", message: "must not have a fragment" };
  for (const [name, text] of Object.entries(value.headers ?? {})) {
    if (!HEADER.test(name)) return { member: "headers", message: `must be names of headers in small letters, not \`${name}\`` };
    if (OWN_HEADER.test(name)) return { member: "headers", message: `must not have \`${name}\`, which the delivery sets by itself` };
    if (SECRET_HEADER.test(name) && !text.includes("${env:"))
      return { member: "headers", message: `must take \`${name}\` from \`\${env:NAME}\`: a secret has no place in the policy folder` };
  }
  return useless(value, ["rotateAtBytes"], "a webhook");
}

function fileProblem(value: z.input<typeof target>, url: URL): Problem | undefined {
  if (url.host !== "" || url.search !== "" || url.hash !== "" || url.pathname.endsWith("/") || /%2f|%00/iu.test(url.pathname))
    return { member: "to", message: "must be `file:///` and the path of a file on this machine" };
  return useless(value, ["ca", "secret", "headers"], "a file");
}

function useless(
  value: z.input<typeof target>,
  members: readonly (keyof z.input<typeof target>)[],
  destination: string,
): Problem | undefined {
  const found = members.find((member) => value[member] !== undefined);
  return found === undefined ? undefined : { member: found, message: `is of no use for ${destination}; leave it out` };
}

/** Where a text stands for the second time. */
function firstRepeated(texts: readonly string[]): number | undefined {
  const index = texts.findIndex((text, at) => texts.indexOf(text) < at);
  return index === -1 ? undefined : index;
}
