import { RE2JS } from "re2js";
import type { ArgumentContent, ContentKind, ContentRules, ResultContent } from "../content-rules.ts";
import { CONTENT_KINDS } from "../content-rules.ts";
import { declaredNames, typeAt } from "../facts/field-path.ts";
import { suggestion } from "../files/did-you-mean.ts";
import type { ContentEntry } from "../files/content-schema.ts";
import type { CatalogAction, Span } from "../types.ts";
import { reportError } from "./findings.ts";
import type { World } from "./world.ts";

interface Place {
  /** Actions that the rule covers. */
  readonly actions: readonly CatalogAction[];
  readonly at: (path: readonly PropertyKey[]) => Span;
}

/** Checks what a rule demands of texts against the arguments and records of the actions it covers. */
export function readContent(world: World, entry: ContentEntry | undefined, place: Place): ContentRules | undefined {
  if (entry === undefined) return undefined;
  const { wording } = entry;
  if (entry.arguments.length + entry.results.length === 0 && (wording === undefined || demandsNothing(wording))) {
    reportError(world.report, {
      code: "unreachable-rule",
      at: place.at([]),
      what: "`content` demands nothing",
      why: "a rule without a demand looks like protection and is none",
      write: "`arguments`, `results` or `wording`",
    });
  }
  for (const [index, each] of entry.arguments.entries()) checkArguments(world, each, place, ["arguments", index]);
  for (const [index, each] of entry.results.entries()) {
    for (const [at, path] of (each.in ?? []).entries()) checkField(world, path, place, ["results", index, "in", at]);
  }
  if (wording !== undefined) checkWording(world, wording, place);
  return contentOf(entry);
}

type Wording = NonNullable<ContentEntry["wording"]>;

function demandsNothing(wording: Wording): boolean {
  return wording.block.length + wording.require.length + wording.templates.length === 0 && wording.links === undefined;
}

/** The rules as they are written, unchecked. */
export function contentOf(entry: ContentEntry): ContentRules {
  return {
    arguments: entry.arguments.map(({ find, ...rest }): ArgumentContent => ({
      ...rest,
      kinds: find.filter(isKind),
      labels: labelsOf(find),
    })),
    results: entry.results.map(({ find, ...rest }): ResultContent => ({ ...rest, kinds: find })),
    ...(entry.wording === undefined ? {} : { wording: entry.wording }),
  };
}

function isKind(name: string): name is ContentKind {
  return CONTENT_KINDS.some((kind) => kind === name);
}

function labelsOf(find: readonly string[]): readonly string[] {
  return find.filter((name) => name.startsWith("@")).map((name) => name.slice(1));
}

function checkArguments(world: World, entry: ContentEntry["arguments"][number], place: Place, base: readonly PropertyKey[]): void {
  const carried = new Set(world.actions.flatMap(({ labels }) => Object.values(labels).flat()));
  for (const [index, name] of entry.find.entries()) {
    if (!name.startsWith("@") || carried.has(name.slice(1))) continue;
    reportError(world.report, {
      code: "unknown-label",
      at: place.at([...base, "find", index]),
      what: `no field of the catalog has the label \`${name.slice(1)}\``,
      why: "nothing would ever be found",
      write: suggestion(name.slice(1), [...carried].toSorted(), "a label of `labels` in `tools/`"),
    });
  }
  for (const [index, path] of (entry.in ?? []).entries()) checkArgument(world, path, place, [...base, "in", index]);
  if (entry.do !== "refuse") checkMasked(world, entry, place, base);
}

/** What is masked is sent changed, so the rule has to say where; what says which record is meant, or where the call goes, is never changed. */
function checkMasked(world: World, entry: ContentEntry["arguments"][number], place: Place, base: readonly PropertyKey[]): void {
  if (entry.in === undefined || entry.find.some((name) => name.startsWith("@"))) {
    reportError(world.report, {
      code: "invalid-value",
      at: place.at([...base, "do"]),
      what: `\`do: ${entry.do}\` changes what is sent, and ${entry.in === undefined ? "no argument is named" : "a label has no place in a text"}`,
      why: "an argument that changes unseen may name another record or another recipient",
      write: entry.in === undefined ? "`in:` with the arguments that may be changed, or `do: refuse`" : "`do: refuse`",
    });
  }
  for (const [index, path] of (entry.in ?? []).entries()) {
    const fixed = place.actions.some(({ resource, destination, batch, cost }) =>
      [resource?.id, batch, cost, ...destination].some((each) => each !== undefined && (each === path || each.startsWith(`${path}.`))),
    );
    if (!fixed) continue;
    reportError(world.report, {
      code: "invalid-value",
      at: place.at([...base, "in", index]),
      what: `\`${path}\` says which record, how much or where, and \`do: ${entry.do}\` would change it`,
      why: "the call would go somewhere else than it was decided for",
      write: "`do: refuse`",
    });
  }
}

function checkArgument(world: World, path: string, { actions, at }: Place, where: readonly PropertyKey[]): void {
  const steps = path.split(".").slice(1);
  if (actions.some((action) => typeAt(action.args, steps) !== undefined)) return;
  const names = [...new Set(actions.flatMap((action) => declaredNames(action.args)))].map((name) => `args.${name}`);
  reportError(world.report, {
    code: "invalid-path",
    at: at(where),
    what: `no covered action has an argument \`${path}\``,
    why: "the text that was meant would not be looked at",
    write: suggestion(path, names, "a declared argument of a covered action"),
  });
}

function checkField(world: World, path: string, { actions, at }: Place, where: readonly PropertyKey[]): void {
  const types = [...new Set(actions.flatMap((action) => (action.returns === undefined ? [] : [action.returns.type])))];
  if (types.some((type) => typeAt(world.types.get(type) ?? {}, path.split(".")) !== undefined)) return;
  const names = [...new Set(types.flatMap((type) => declaredNames(world.types.get(type) ?? {})))];
  reportError(world.report, {
    code: "unknown-field",
    at: at(where),
    what: `no covered action returns a record with a field \`${path}\``,
    why: "the text that was meant would be shown as it is",
    write: types.length === 0 ? "leave `in` out: every text of the result" : suggestion(path, names, "a declared field of the type"),
  });
}

function checkWording(world: World, wording: Wording, place: Place): void {
  for (const [index, path] of (wording.in ?? []).entries()) checkArgument(world, path, place, ["wording", "in", index]);
  if (wording.in === undefined && wording.require.length + wording.templates.length > 0) {
    reportError(world.report, {
      code: "invalid-value",
      at: place.at(["wording"]),
      what: "`require` and `templates` say what a text must be, and no argument is named",
      why: "a subject or an address would have to be that text as well",
      write: "`in:` with the arguments that are meant",
    });
  }
  for (const [index, entry] of wording.block.entries()) {
    const pattern = patternOf(entry);
    const wrong = pattern === undefined ? undefined : unreadable(pattern);
    if (wrong === undefined) continue;
    reportError(world.report, {
      code: "invalid-value",
      at: place.at(["wording", "block", index]),
      what: `\`${entry}\` is no RE2 pattern: ${wrong}`,
      why: "patterns run in time that grows with the text alone, which look-around and back-references do not allow",
      write: "a pattern in RE2's syntax, or a phrase without slashes",
    });
  }
}

/** The pattern between slashes; undefined for a phrase. */
function patternOf(entry: string): string | undefined {
  return entry.length > 2 && entry.startsWith("/") && entry.endsWith("/") ? entry.slice(1, -1) : undefined;
}

function unreadable(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "it cannot be read";
  }
}
