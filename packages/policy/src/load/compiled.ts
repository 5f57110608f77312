import type { Vocabulary } from "../engine/cedar-schema.ts";
import type { Condition, RuleBook } from "../rules/rule.ts";
import type { CatalogAction, Policy } from "../types.ts";

/** What `Policy.engine` holds: everything that deciding needs and nobody else may touch. */
export class Compiled {
  readonly book: RuleBook;
  readonly vocabulary: Vocabulary;
  /** Attribute names each condition mentions, and whether it uses `context` as a whole. By condition id. */
  readonly mentions: ReadonlyMap<string, ConditionMentions>;
  readonly actions: ReadonlyMap<string, CatalogAction>;
  /** Resource actions whose URI ends in `*`, longest first. */
  readonly prefixes: readonly CatalogAction[];

  constructor(parts: Pick<Compiled, "book" | "vocabulary" | "mentions" | "actions" | "prefixes">) {
    this.book = parts.book;
    this.vocabulary = parts.vocabulary;
    this.mentions = parts.mentions;
    this.actions = parts.actions;
    this.prefixes = parts.prefixes;
  }
}

export interface ConditionMentions {
  readonly condition: Condition;
  readonly attributes: ReadonlySet<string>;
  readonly wholeContext: boolean;
  /** Reads `principal`, `resource` or `context` at all. */
  readonly principal: boolean;
}

/** @throws TypeError when the policy was not made by `load`. */
export function compiledOf(policy: Policy): Compiled {
  if (policy.engine instanceof Compiled) return policy.engine;
  throw new TypeError("this policy was not made by `load`");
}
