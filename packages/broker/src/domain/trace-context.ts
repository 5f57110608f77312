/** Where a call stands in a trace (W3C Trace Context, level 1). Made only by `parseTraceContext` or from a span of our own. */
export interface TraceContext {
  /** Version 00 (section 3.2): `00-<trace id>-<parent id>-<flags>`. */
  readonly traceparent: string;
  /** Section 3.3; at most 512 characters. */
  readonly tracestate?: string | undefined;
}

/**
 * Reads a trace context strictly. Undefined when `traceparent` is none: the caller begins a new trace then (section 4.2). A `tracestate` that
 * breaks a rule is left out as a whole; it never costs the `traceparent`.
 */
export function parseTraceContext(traceparent: string, tracestate: string | undefined): TraceContext | undefined {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return undefined;
  const state = tracestate === undefined ? undefined : parseTracestate(tracestate);
  return state === undefined ? { traceparent: parent } : { traceparent: parent, tracestate: state };
}

const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-[\x20-\x7e]{0,200})?$/;
const SAMPLED = 1;

// A later version may carry more; of it only the members of version 00 are known and passed on (section 3.2.4).
function parseTraceparent(text: string): string | undefined {
  const [, version, traceId = "", parentId = "", flags = "", more] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === "ff" || /^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  if (version === "00") return more === undefined ? text : undefined;
  const sampled = (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED;
  return `00-${traceId}-${parentId}-${sampled ? "01" : "00"}`;
}

const KEY = /^(?:[a-z][a-z\d_*/-]{0,255}|[a-z\d][a-z\d_*/-]{0,240}@[a-z][a-z\d_*/-]{0,13})$/;
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
/** Section 3.3.1.1. */
const MAX_MEMBERS = 32;
/** What section 3.3.1.5 asks to pass on; more would be a letter from the agent to the tool that nobody decided on. */
const MAX_CHARS = 512;
/** Members above this go first where there is too much (section 3.3.1.5). */
const LONG_MEMBER_CHARS = 128;

function parseTracestate(text: string): string | undefined {
  if (text.length > MAX_MEMBERS * MAX_CHARS) return undefined;
  const members = text
    .split(",")
    .map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/g, ""))
    .filter((member) => member !== "");
  if (members.length === 0 || members.length > MAX_MEMBERS) return undefined;
  const keys = new Set<string>();
  for (const member of members) {
    const at = member.indexOf("=");
    const key = member.slice(0, Math.max(at, 0));
    if (!KEY.test(key) || !VALUE.test(member.slice(at + 1)) || keys.has(key)) return undefined;
    keys.add(key);
  }
  const kept = shortened(members);
  return kept.length === 0 ? undefined : kept.join(",");
}

function shortened(members: readonly string[]): readonly string[] {
  if (members.join(",").length <= MAX_CHARS) return members;
  const kept = members.filter((member) => member.length <= LONG_MEMBER_CHARS);
  while (kept.join(",").length > MAX_CHARS) kept.pop();
  return kept;
}
