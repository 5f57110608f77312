import type { WordingContent } from "@bailiwick/policy";
import { RE2JS } from "re2js";
import { isAllowedHost, linkHosts } from "./links.ts";
import { plainText } from "./plain-text.ts";

/** A text of a call's arguments and where it stands. */
export interface ArgumentText {
  /** Starts with `args`. */
  readonly path: string;
  readonly text: string;
}

/** What is wrong with the wording; without the text. `path` is absent where no single text is to blame. */
export interface WordingFault {
  readonly path?: string | undefined;
  readonly what: string;
}

/** The first thing in these texts that the rule does not let out; undefined when there is none. */
export function wordingFault(wording: WordingContent, texts: readonly ArgumentText[]): WordingFault | undefined {
  const { blocked, required, templates } = compiled(wording);
  for (const { path, text } of texts) {
    const plain = plainText(text);
    const phrase = blocked.find(({ holds }) => holds(text, plain));
    if (phrase !== undefined) return { path, what: `says ${phrase.entry}, which must not be said` };
    // A text that is not there cannot be worded; that it is needed is the tool's to say.
    if (templates.length > 0 && !templates.some((template) => template.matches(text.trim())))
      return { path, what: `fits none of the ${wording.templates.length} texts that may be sent` };
    const fault = wording.links === undefined ? undefined : linkFault(text, wording.links);
    if (fault !== undefined) return { path, what: fault };
  }
  const missing = required.find(({ phrase }) => !texts.some(({ text }) => plainText(text).includes(phrase)));
  return missing === undefined ? undefined : { path: wording.in?.[0], what: `does not say \`${missing.entry}\`` };
}

function linkFault(text: string, links: readonly string[]): string | undefined {
  for (const host of linkHosts(text)) {
    if (host === undefined) return "holds a link that names no host";
    if (!isAllowedHost(host, links))
      return `links to \`${host.slice(0, 253)}\`, and only ${links.map((each) => `\`${each}\``).join(", ") || "no host"} may be linked to`;
  }
  return undefined;
}

interface CompiledWording {
  readonly blocked: readonly { readonly entry: string; readonly holds: (text: string, plain: string) => boolean }[];
  readonly required: readonly { readonly entry: string; readonly phrase: string }[];
  readonly templates: readonly RE2JS[];
}

/** The policy's own object for a rule is the same at every call. */
const known = new WeakMap<WordingContent, CompiledWording>();

function compiled(wording: WordingContent): CompiledWording {
  const found = known.get(wording);
  if (found !== undefined) return found;
  const made = {
    blocked: wording.block.map((entry) => ({ entry: `\`${entry}\``, holds: blockerOf(entry) })),
    required: wording.require.map((entry) => ({ entry, phrase: plainText(entry) })),
    templates: wording.templates.map((template) => templateOf(template)),
  };
  known.set(wording, made);
  return made;
}

function blockerOf(entry: string): (text: string, plain: string) => boolean {
  if (entry.length > 2 && entry.startsWith("/") && entry.endsWith("/")) {
    const pattern = RE2JS.compile(entry.slice(1, -1), RE2JS.CASE_INSENSITIVE);
    return (text, plain) => pattern.matcher(text).find() || pattern.matcher(plain).find();
  }
  const phrase = plainText(entry);
  return (_, plain) => plain.includes(phrase);
}

/** `{name}` stands for one or more characters of one line; all the rest for itself. RE2 runs in time that grows with the text alone. */
function templateOf(template: string): RE2JS {
  const parts = template.trim().split(/\{[A-Za-z][\w -]{0,60}\}/u);
  return RE2JS.compile(parts.map((part) => RE2JS.quote(part)).join("[^\\n\\r\\x{2028}\\x{2029}]+"));
}
