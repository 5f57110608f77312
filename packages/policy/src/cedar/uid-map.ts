import type { Uid } from "./value.ts";

/** A map by entity name. Type and id are looked up one after the other: their hashes are kept with the strings, that of a joined text is not. */
export class UidMap<T> {
  readonly #byType = new Map<string, Map<string, T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(uid: Uid): T | undefined {
    return this.#byType.get(uid.type)?.get(uid.id);
  }

  set(uid: Uid, value: T): void {
    let byId = this.#byType.get(uid.type);
    if (byId === undefined) this.#byType.set(uid.type, (byId = new Map()));
    if (!byId.has(uid.id)) this.#size += 1;
    byId.set(uid.id, value);
  }

  each(visit: (value: T) => void): void {
    for (const byId of this.#byType.values()) for (const value of byId.values()) visit(value);
  }

  /** The value that is there, or the one made and put there. */
  getOrMake(uid: Uid, make: () => T): T {
    const known = this.get(uid);
    if (known !== undefined) return known;
    const made = make();
    this.set(uid, made);
    return made;
  }
}
