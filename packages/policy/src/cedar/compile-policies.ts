import type { EntityUidJson, Policy, PolicyJson, PolicySet } from "@cedar-policy/cedar-wasm/nodejs";
import { compileTrees } from "./authorize.ts";
import type { Policies } from "./authorize.ts";
import { BadData } from "./bad-data.ts";
import { cutPolicies, PARSER_LIMITS } from "./cedar-text.ts";
import type { PolicyTree } from "./expression.ts";
import { parseText } from "./parse.ts";
import { readUid } from "./read-data.ts";
import { readPolicy } from "./read-policy.ts";
import type { Slots } from "./read-policy.ts";

export type Compilation =
  | { readonly ok: true; readonly policies: Policies }
  | { readonly ok: false; readonly errors: readonly { readonly policy: string; readonly message: string }[] };

/**
 * Compiles a policy set of the official library's form. A text of several policies gives them the ids `policy0`, `policy1`, ... in order.
 * Policies are parsed by the official parser, not validated: validate against your schema with the official validator first.
 */
export function compilePolicies(set: PolicySet): Compilation {
  const errors: { policy: string; message: string }[] = [];
  const attempt = <T>(policy: string, work: () => T): readonly T[] => {
    try {
      return [work()];
    } catch (error) {
      if (!(error instanceof BadData)) throw error;
      errors.push({ policy, message: error.message });
      return [];
    }
  };
  const statics = namedPolicies(set.staticPolicies).flatMap(([id, policy]) => attempt(id, () => readPolicy(id, jsonOf(policy, "policy"))));
  const templates = new Map(
    Object.entries(set.templates ?? {}).flatMap(([id, template]) => attempt(id, () => [id, jsonOf(template, "template")] as const)),
  );
  const linked = (set.templateLinks ?? []).flatMap((link) =>
    attempt(link.newId, (): PolicyTree => {
      const template = templates.get(link.templateId);
      if (template === undefined) throw new BadData(`no template \`${link.templateId}\` is given`);
      return readPolicy(link.newId, template, slotsOf(link.values));
    }),
  );
  const trees = [...statics, ...linked];
  for (const id of repeated(trees)) errors.push({ policy: id, message: "two policies have this id" });
  return errors.length > 0 ? { ok: false, errors } : { ok: true, policies: compileTrees(trees) };
}

function namedPolicies(statics: PolicySet["staticPolicies"]): readonly (readonly [string, Policy])[] {
  if (statics === undefined) return [];
  const list = typeof statics === "string" ? cutPolicies(statics).map((piece) => piece.text) : statics;
  return Array.isArray(list) ? list.map((policy: Policy, index) => [`policy${String(index)}`, policy] as const) : Object.entries(list);
}

function jsonOf(policy: Policy, kind: "policy" | "template"): PolicyJson {
  if (typeof policy !== "string") return policy;
  const parsed = parseText(policy, kind, PARSER_LIMITS);
  if (!parsed.ok) throw new BadData(parsed.message);
  return parsed.json;
}

function slotsOf(values: Readonly<Record<string, EntityUidJson>>): Slots {
  return new Map(Object.entries(values).map(([slot, uid]) => [slot, readUid(uid)]));
}

function repeated(trees: readonly PolicyTree[]): readonly string[] {
  const seen = new Set<string>();
  return trees.map((tree) => tree.id).filter((id) => seen.has(id) || (seen.add(id), false));
}
