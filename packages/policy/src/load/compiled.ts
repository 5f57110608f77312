import type { Vocabulary } from "../engine/cedar-schema.ts";
import type { AgentFacts } from "../decide/place.ts";
import type { PolicySession } from "../decide/session.ts";
import type { Shape } from "../facts/shape.ts";
import type { Deny, Grant, RuleBook } from "../rules/rule.ts";
import type { RuleIndex } from "../rules/rule-index.ts";
import type { AgentConfig, Caller, CatalogAction, Policy } from "../types.ts";
import type { Remembered } from "./memory.ts";

/** What `Policy.engine` holds: everything that deciding needs and nobody else may touch. */
export class Compiled {
  readonly book: RuleBook;
  readonly vocabulary: Vocabulary;
  readonly agents: ReadonlyMap<string, AgentConfig>;
  readonly actions: ReadonlyMap<string, CatalogAction>;
  /** Resource actions whose URI ends in `*`, longest first. */
  readonly prefixes: readonly CatalogAction[];
  readonly grants: RuleIndex<Grant>;
  readonly denies: RuleIndex<Deny>;
  /** How the arguments of an action are read. */
  readonly argumentShapes: ReadonlyMap<CatalogAction, Shape>;
  readonly recordShapes: ReadonlyMap<string, Shape>;
  readonly sessionShape: Shape;
  readonly attributeShape: Shape;
  /** For loading the next version. */
  readonly remembered: Remembered;
  /** Read once for each agent of this policy and the roles it has for a time. */
  readonly agentFacts: Map<AgentConfig, Map<string, AgentFacts>> = new Map();
  /** Opened once for a caller; gone with the caller. */
  readonly sessions: WeakMap<Caller, PolicySession> = new WeakMap();

  constructor(parts: Omit<Compiled, "agentFacts" | "sessions">) {
    this.book = parts.book;
    this.vocabulary = parts.vocabulary;
    this.agents = parts.agents;
    this.actions = parts.actions;
    this.prefixes = parts.prefixes;
    this.grants = parts.grants;
    this.denies = parts.denies;
    this.argumentShapes = parts.argumentShapes;
    this.recordShapes = parts.recordShapes;
    this.sessionShape = parts.sessionShape;
    this.attributeShape = parts.attributeShape;
    this.remembered = parts.remembered;
  }
}

/** @throws TypeError when the policy was not made by `load`. */
export function compiledOf(policy: Policy): Compiled {
  if (policy.engine instanceof Compiled) return policy.engine;
  throw new TypeError("this policy was not made by `load`");
}
