import type { Challenge } from "../../domain/fault.ts";

/** A header that is longer is not read. */
const MAX_HEADER_CHARS = 4_096;

/** The `Bearer` challenge of a `WWW-Authenticate` header (RFC 6750 section 3); undefined when there is none. */
export function readChallenge(header: string | readonly string[] | undefined): Challenge | undefined {
  const all = typeof header === "string" ? [header] : (header ?? []);
  const text = all.find((each) => each.length <= MAX_HEADER_CHARS && /(?:^|,)\s*bearer(?:\s|$)/iu.test(each));
  if (text === undefined) return undefined;
  const parameter = (name: string): string | undefined => {
    const [, quoted, bare] = new RegExp(`[\\s,]${name}=(?:"([^"]*)"|([^\\s,"]+))`, "iu").exec(text) ?? [];
    return quoted ?? bare;
  };
  return { error: parameter("error"), scope: parameter("scope"), resourceMetadata: parameter("resource_metadata") };
}
