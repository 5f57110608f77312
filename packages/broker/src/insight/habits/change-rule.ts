import type { PolicyFile, RuleRef } from "@bailiwick/policy";
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, Scalar } from "yaml";
import { z } from "zod";

/** A change of one entry of a policy file, as somebody would paste it. */
export interface RuleChange {
  readonly file: string;
  /** Of the entry that is replaced, or of the list that gets another. */
  readonly line: number;
  /** What to do there. */
  readonly how: string;
  readonly yaml: string;
  /** All files, with the change made. */
  readonly files: readonly PolicyFile[];
}

const roleSchema = z.object({
  role: z.string(),
  allow: z.array(z.object({ id: z.string().optional(), approve: z.object({ unless: z.string().optional() }).optional() })).default([]),
  deny: z.array(z.unknown()).default([]),
});
const gatesSchema = z.object({ gates: z.array(z.object({ gate: z.string(), when: z.string().optional() })).default([]) });

type RoleFile = z.output<typeof roleSchema>;

/** Lets calls of a rule pass without approval where `condition` holds. Undefined for rules that ship with the broker or are Cedar. */
export function spare(files: readonly PolicyFile[], rule: RuleRef, condition: string): RuleChange | undefined {
  const file = files.find(({ path }) => path === rule.at.file);
  if (file === undefined) return undefined;
  if (rule.kind === "grant") return spareInGrant(files, file, rule, condition);
  return rule.kind === "gate" ? spareInGate(files, file, rule, condition) : undefined;
}

function spareInGrant(files: readonly PolicyFile[], file: PolicyFile, rule: RuleRef, condition: string): RuleChange | undefined {
  const opened = openAs(file, roleSchema);
  if (opened === undefined) return undefined;
  const index = grantIndex(opened.value, rule.id);
  const approve = opened.value.allow[index]?.approve;
  if (approve === undefined) return undefined;
  const { document } = opened;
  const line = opened.lineOf(["allow", index]);
  const { unless } = approve;
  document.setIn(["allow", index, "approve", "unless"], block(unless === undefined ? condition : `(${unless.trim()}) || (${condition})`));
  return changed(files, file, document, ["allow", index], { line, how: "put this in the place of the grant" });
}

function spareInGate(files: readonly PolicyFile[], file: PolicyFile, rule: RuleRef, condition: string): RuleChange | undefined {
  const opened = openAs(file, gatesSchema);
  if (opened === undefined) return undefined;
  const index = opened.value.gates.findIndex(({ gate }) => gate === rule.id);
  const entry = opened.value.gates[index];
  if (entry === undefined) return undefined;
  const { document } = opened;
  const line = opened.lineOf(["gates", index]);
  document.setIn(
    ["gates", index, "when"],
    block(entry.when === undefined ? `!(${condition})` : `(${entry.when.trim()}) && !(${condition})`),
  );
  return changed(files, file, document, ["gates", index], { line, how: "put this in the place of the gate" });
}

/** Refuses calls of a scope to a role where `condition` holds; always without one. The grant of the same file comes first, else the role's file. */
export function forbid(
  files: readonly PolicyFile[],
  rule: RuleRef,
  deny: { readonly scope: string; readonly roles: readonly string[]; readonly condition: string | undefined; readonly reason: string },
): RuleChange | undefined {
  const opened = files
    .filter(({ path }) => /^roles\/[^/]+\.yaml$/u.test(path))
    .flatMap((file) => {
      const role = openAs(file, roleSchema);
      return role === undefined ? [] : [{ file, ...role }];
    });
  const home =
    opened.find(({ file, value }) => file.path === rule.at.file && grantIndex(value, rule.id) >= 0) ??
    opened.find(({ value }) => deny.roles.includes(value.role));
  if (home === undefined) return undefined;
  const { document, file, value } = home;
  const line = home.lineOf([value.deny.length === 0 ? "role" : "deny"]);
  const entry = { do: deny.scope, ...(deny.condition === undefined ? {} : { when: block(deny.condition) }), reason: deny.reason };
  if (value.deny.length === 0) document.set("deny", document.createNode([entry]));
  else document.addIn(["deny"], document.createNode(entry));
  return changed(files, file, document, ["deny", value.deny.length], { line, how: "add this under `deny`" });
}

/** A condition as people write it: on lines of its own, with nothing escaped. */
function block(condition: string): Scalar<string> {
  const scalar = new Scalar(condition);
  scalar.type = Scalar.BLOCK_LITERAL;
  return scalar;
}

function grantIndex({ role, allow }: RoleFile, id: string): number {
  return allow.findIndex((entry, index) => (entry.id ?? `${role}/allow/${index + 1}`) === id);
}

interface Opened<T> {
  readonly document: Document;
  readonly value: T;
  /** Of what stands at a path now. */
  lineOf(path: readonly (string | number)[]): number;
}

function openAs<S extends z.ZodType>({ text }: PolicyFile, schema: S): Opened<z.output<S>> | undefined {
  const lineCounter = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter });
  const parsed = schema.safeParse(document.toJS());
  if (document.errors.length > 0 || !parsed.success) return undefined;
  return {
    document,
    value: parsed.data,
    lineOf: (path) => {
      const node = document.getIn(path, true);
      return lineCounter.linePos((isNode(node) ? node.range?.[0] : undefined) ?? 0).line;
    },
  };
}

function changed(
  files: readonly PolicyFile[],
  file: PolicyFile,
  document: Document,
  at: readonly (string | number)[],
  said: Pick<RuleChange, "line" | "how">,
): RuleChange | undefined {
  const node = document.getIn(at);
  if (!isNode(node)) return undefined;
  // A condition in one line of braces is what nobody reads.
  if (isMap(node)) {
    node.flow = false;
    for (const { key, value } of node.items) if (isScalar(key) && key.value === "approve" && isMap(value)) value.flow = false;
  }
  const text = document.toString({ lineWidth: 0 });
  // It stands above the entry already.
  node.commentBefore = null;
  const snippet = parseDocument("- {}");
  snippet.setIn([0], node);
  return {
    file: file.path,
    ...said,
    yaml: snippet.toString({ lineWidth: 0 }),
    files: files.map((each) => (each.path === file.path ? { path: each.path, text } : each)),
  };
}
