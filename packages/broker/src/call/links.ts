import { visibleText } from "./plain-text.ts";

/** Full stops that a resolver reads as one (UTS 46 section 4). */
const FULL_STOPS = /[\u3002\uFF0E\uFF61]/gu;
/** Character references of HTML that could hide the marks of an address. */
const NUMBERED = /&#(?:x0*([0-9a-f]{1,6})|0*([0-9]{1,7}));?/giu;
const NAMED: ReadonlyMap<string, string> = new Map([
  ["&colon;", ":"],
  ["&sol;", "/"],
  ["&bsol;", "\\"],
  ["&period;", "."],
  ["&commat;", "@"],
  ["&amp;", "&"],
  ["&tab;", ""],
  ["&newline;", ""],
  ["&shy;", ""],
]);
const MAX_CODE_POINT = 0x10_ff_ff;

/** What ends an address in text, Markdown and HTML. */
const ADDRESS = String.raw`[^\s"'<>()\[\]{}|^` + "`" + String.raw`]`;
/** A scheme that browsers open, with however many slashes they forgive; or none, as in \`href="//host"\`. */
const WITH_SCHEME = new RegExp(String.raw`(?:\b[a-z][a-z0-9+.-]{0,20}:[\\/]{1,8}|(?<![:\\/\p{L}\p{N}])[\\/]{2})(${ADDRESS}*)`, "giu");
/** Schemes that name no host, or name it without slashes. */
const WITHOUT_HOST =
  /\b(?:(javascript|vbscript|data|blob|file|about):|(mailto|tel|sms|sip|sips|https?|wss?|ftp):(?![\\/]))([^\s"'<>()[\]{}|^`]+)/giu;
/** A name with a dot in it, as programs that show mail make a link of it. */
const BARE =
  /(?<![@\p{L}\p{N}/\\%-]|[\p{L}\p{N}_-]\.)(?:[\p{L}\p{N}_-]{1,63}\.){1,126}(?:[\p{L}]{2,63}|xn--[a-z0-9-]{1,59})(?![\p{L}\p{N}@])/giu;
/** Browsers leave line ends and tabs within an address out (WHATWG URL, section 4.4). */
const BROKEN = /(?<=[:\\/])[\t\r\n]+(?=[\\/])/gu;

/**
 * Hosts that the links of a text lead to, in lower case and in the form of ASCII (UTS 46); `undefined` in place of a host that cannot be told.
 * Addresses behind a redirect of an allowed host are that host's.
 */
export function linkHosts(text: string): readonly (string | undefined)[] {
  const plain = visibleText(withoutReferences(text)).replaceAll(FULL_STOPS, ".").replaceAll(BROKEN, "");
  const hosts: (string | undefined)[] = [];
  for (const { 1: rest = "" } of plain.matchAll(WITH_SCHEME)) if (rest !== "") hosts.push(hostOf(rest));
  for (const { 1: opaque, 2: scheme = "", 3: rest = "" } of plain.matchAll(WITHOUT_HOST)) {
    if (opaque !== undefined) hosts.push(undefined);
    else if (scheme.toLowerCase() === "mailto") hosts.push(...mailHosts(rest));
    else if (/^(?:https?|wss?|ftp)$/iu.test(scheme)) hosts.push(hostOf(rest));
  }
  for (const { 0: name } of plain.matchAll(BARE)) hosts.push(hostOf(name.replace(/^[_-]+/u, "")));
  return hosts;
}

/** Whether one of the patterns, `host` or `*.host`, names this host. */
export function isAllowedHost(host: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern));
}

function withoutReferences(text: string): string {
  return text
    .replaceAll(NUMBERED, (_, hex: string | undefined, decimal: string | undefined) => {
      const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return point <= MAX_CODE_POINT ? String.fromCodePoint(point) : "";
    })
    .replaceAll(/&[a-z]{3,8};/giu, (entity) => NAMED.get(entity.toLowerCase()) ?? entity);
}

/** The host as a browser reads it: what stands before an `@` is a name, not the host. */
function hostOf(address: string): string | undefined {
  const url = URL.parse(`https://${address.replace(/^[\\/]+/u, "")}`);
  if (url === null || url.hostname === "") return undefined;
  return url.hostname.replace(/\.$/u, "");
}

/** Of every recipient, also of those in the fields of the address (RFC 6068 section 2). */
function mailHosts(rest: string): readonly (string | undefined)[] {
  const decoded = rest.replaceAll("%40", "@").replaceAll(/%2c/giu, ",");
  return [...decoded.matchAll(/@([^\s,;?&@]+)/gu)].map(({ 1: domain = "" }) => hostOf(domain));
}
