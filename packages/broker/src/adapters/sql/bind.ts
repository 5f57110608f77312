/** A value that travels beside the statement. */
export type Bound = string | number | boolean | null | readonly (string | number | boolean | null)[];

/** Collects the values of one statement; `add` answers the placeholder that stands for the value. */
export interface Binds {
  readonly values: readonly Bound[];
  add(value: Bound): string;
}

export function newBinds(): Binds {
  const values: Bound[] = [];
  return {
    values,
    add: (value) => `$${String(values.push(value))}`,
  };
}
