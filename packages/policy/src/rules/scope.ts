/** A scope as rules and sessions write it: `tool:action`, `tool:*` or `tool:action:field`. */
export interface ScopePattern {
  readonly text: string;
  readonly tool: string;
  /** `*` stands for every action of the tool. */
  readonly action: string;
  /** Present in the write-field form. */
  readonly field?: string | undefined;
}

const WORD = "[a-z][a-z0-9_-]*";
const PATTERN = new RegExp(`^(${WORD}):(${WORD}|\\*)(?::([A-Za-z_$][\\w$-]*))?$`);
const EXACT = new RegExp(`^${WORD}:${WORD}$`);

/** Returns undefined when the text is not a scope pattern; a wildcard tool never is one. */
export function parseScope(text: string): ScopePattern | undefined {
  const match = PATTERN.exec(text);
  const [, tool, action, field] = match ?? [];
  if (tool === undefined || action === undefined) return undefined;
  if (action === "*" && field !== undefined) return undefined;
  return { text, tool, action, field };
}

export function isExactScope(text: string): boolean {
  return EXACT.test(text);
}

/** Whether the pattern covers this exact scope, leaving its field form aside. */
export function coversScope(pattern: ScopePattern, scope: string): boolean {
  if (pattern.action === "*") return scope.startsWith(`${pattern.tool}:`);
  return scope === `${pattern.tool}:${pattern.action}`;
}

/** The pattern without its field form, as rules are found by it. */
export function groupOf({ tool, action }: ScopePattern): string {
  return `${tool}:${action}`;
}

/** Names under which other systems hand out everything at once. */
const GOD_MODE: ReadonlySet<string> = new Set([
  "*",
  "*:*",
  "admin:full",
  "admin:*",
  "api:all",
  "api:*",
  "database:read_write",
  "database:*",
]);

export function isGodMode(text: string): boolean {
  return GOD_MODE.has(text) || text.startsWith("*:") || text.startsWith("*");
}
