/** Rules by the names they cover, so that finding those of one action does not look at the others. */
export class RuleIndex<T extends { readonly on: readonly string[] }> {
  readonly #byName = new Map<string, number[]>();
  readonly #rules: readonly T[];

  constructor(rules: readonly T[]) {
    this.#rules = rules;
    for (const [position, rule] of rules.entries()) {
      for (const name of rule.on) {
        const positions = this.#byName.get(name);
        if (positions === undefined) this.#byName.set(name, [position]);
        else positions.push(position);
      }
    }
  }

  /** Each rule that covers one of the names, once, in the order in which the rules were given. */
  find(names: readonly string[]): readonly T[] {
    const positions = new Set(names.flatMap((name) => this.#byName.get(name) ?? []));
    return [...positions].toSorted((a, b) => a - b).flatMap((position) => this.#rules[position] ?? []);
  }
}
