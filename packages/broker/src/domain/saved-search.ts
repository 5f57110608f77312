/** A filter over calls that a person keeps under a name, for everybody of the tenant. */
export interface SavedSearch {
  readonly tenant: string;
  readonly name: string;
  /** Undefined when it was saved with the operator key. */
  readonly owner: string | undefined;
  readonly savedAt: Date;
  /** As it was asked for: names of filters and their values. */
  readonly filter: Readonly<Record<string, string>>;
}

export interface SavedSearches {
  /** Saves it unless somebody else's has the name; then returns theirs. */
  save(search: SavedSearch): Promise<SavedSearch>;
  /** By name. Those of people who were erased are gone. */
  list(tenant: string): Promise<readonly SavedSearch[]>;
  find(tenant: string, name: string): Promise<SavedSearch | undefined>;
  /** Whether there was one. */
  remove(tenant: string, name: string): Promise<boolean>;
}
