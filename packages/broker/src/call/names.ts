import type { CatalogAction, CatalogTool, Operation, Policy } from "@bailiwick/policy";

/** Tools of the broker itself; an upstream's action of the same name is shown with its tool's prefix. */
export const BROKER_TOOLS: readonly string[] = ["approval_wait", "request_elevation"];

/** A catalogued action and the tool it belongs to. */
export interface Entry {
  readonly tool: CatalogTool;
  readonly action: CatalogAction;
}

interface Names {
  readonly byVisible: ReadonlyMap<string, Entry>;
  readonly visible: ReadonlyMap<CatalogAction, string>;
  readonly resources: readonly Entry[];
}

const indexes = new WeakMap<Policy, Names>();

/** The name agents see: the upstream's own, or `<tool>_<name>` when two catalogued actions of one kind share it. */
export function visibleName(policy: Policy, action: CatalogAction): string {
  return namesOf(policy).visible.get(action) ?? action.operation.name;
}

/**
 * The catalogued action an agent means by a name (tools, prompts) or URI (resources: exact, else the longest matching prefix).
 * Returns undefined when the catalog has none.
 */
export function entryFor(policy: Policy, kind: Operation["kind"], name: string): Entry | undefined {
  if (kind === "resource") return resourceFor(policy, name);
  return namesOf(policy).byVisible.get(key(kind, name));
}

/** All catalogued actions with their tools. */
export function entriesOf(policy: Policy): readonly Entry[] {
  return policy.tools.flatMap((tool) => tool.actions.map((action) => ({ tool, action })));
}

function resourceFor(policy: Policy, uri: string): Entry | undefined {
  // Dot segments would let `kb://articles/../secret` pass for an article.
  if (/(^|[/\\])\.\.([/\\]|$)/u.test(decodeLoosely(uri))) return undefined;
  return namesOf(policy).resources.find(({ action }) => matches(action.operation.name, uri));
}

function matches(pattern: string, uri: string): boolean {
  return pattern.endsWith("*") ? uri.startsWith(pattern.slice(0, -1)) : pattern === uri;
}

function decodeLoosely(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}

function namesOf(policy: Policy): Names {
  const known = indexes.get(policy);
  if (known !== undefined) return known;
  const made = buildNames(policy);
  indexes.set(policy, made);
  return made;
}

function buildNames(policy: Policy): Names {
  const entries = entriesOf(policy);
  const uses = new Map<string, number>();
  for (const { action } of entries) {
    const each = key(action.operation.kind, action.operation.name);
    uses.set(each, (uses.get(each) ?? 0) + 1);
  }
  const byVisible = new Map<string, Entry>();
  const visible = new Map<CatalogAction, string>();
  for (const entry of entries) {
    const { kind, name, tool } = entry.action.operation;
    if (kind === "resource") continue;
    const clash = (uses.get(key(kind, name)) ?? 0) > 1 || (kind === "tool" && BROKER_TOOLS.includes(name));
    const shown = clash ? `${tool}_${name}` : name;
    // Two entries can still meet (`a` + `b_c`, `a_b` + `c`); the first keeps the name and the second cannot be called.
    if (!byVisible.has(key(kind, shown))) byVisible.set(key(kind, shown), entry);
    visible.set(entry.action, shown);
  }
  const resources = entries
    .filter(({ action }) => action.operation.kind === "resource")
    .toSorted((a, b) => b.action.operation.name.length - a.action.operation.name.length);
  return { byVisible, visible, resources };
}

function key(kind: Operation["kind"], name: string): string {
  return `${kind}\u0000${name}`;
}
