import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { testDatabase } from "./database.ts";

export interface TestStore {
  readonly store: Store;
  /** The owner's URL: sees all tenants. */
  readonly databaseUrl: string;
  /** What the store was opened with; open it again to get a second broker on the same database. */
  readonly rootKey: string;
  readonly brokerId: string;
  /** Closes the store and drops the database. */
  close(): Promise<void>;
}

/** Any 32 bytes do: the databases are gone after the run. */
export const TEST_ROOT_KEY = "ab".repeat(32);

/** A store on a fresh database, copied from one that is already migrated. `now` is the clock of what the store itself decides. */
export async function testStore(options: { readonly now?: () => Date; readonly brokerId?: string } = {}): Promise<TestStore> {
  const database = await testDatabase(inject("templateDatabase"));
  const brokerId = options.brokerId ?? `broker-${randomBytes(4).toString("hex")}`;
  const store = await openStore(
    { databaseUrl: database.databaseUrl, rootKey: TEST_ROOT_KEY },
    { brokerId, ...(options.now === undefined ? {} : { now: options.now }) },
  );
  return {
    store,
    databaseUrl: database.databaseUrl,
    rootKey: TEST_ROOT_KEY,
    brokerId,
    close: async () => {
      await store.close();
      await database.close();
    },
  };
}
