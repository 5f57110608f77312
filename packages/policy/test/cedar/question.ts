/** JSON as a policy tree (Cedar's EST), an entity or a context holds it; whole numbers beyond 2^53 are bigints. */
export type Json = null | boolean | number | bigint | string | Json[] | Dict;
export type Dict = { readonly [key: string]: Json };
export type Uid = { readonly type: string; readonly id: string };
export type Answer = { readonly decision: "allow" | "deny"; readonly reasons: readonly string[]; readonly errors: readonly string[] };
/** A static policy, or a template with the entities that fill its slots. */
export type Policy = { readonly id: string; readonly tree: Dict; readonly slots: { readonly [slot: string]: Uid } };
export type Request = { readonly principal: Uid; readonly action: Uid; readonly resource: Uid; readonly context: Dict };
export type EntityJson = { readonly uid: Uid; readonly attrs: Dict; readonly parents: readonly Uid[]; readonly tags: Dict };

/** @throws Error unless it is an object: the tree, not the policy, is wrong. */
export function dict(json: Json | undefined): Dict {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new Error(`no object: ${String(json)}`);
  return json;
}

/** @throws Error unless it is an array. */
export function list(json: Json | undefined): Json[] {
  if (!Array.isArray(json)) throw new Error(`no array: ${String(json)}`);
  return json;
}

/** `{ type, id }`, or the same inside `__entity`. */
export function uidOf(json: Json | undefined): Uid {
  const { type, id } = dict(dict(json)["__entity"] ?? json);
  if (typeof type !== "string" || typeof id !== "string") throw new Error("no entity");
  return { type, id };
}
