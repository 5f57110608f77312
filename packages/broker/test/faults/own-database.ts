import { inject } from "vitest";
import { testDatabase } from "../support/database.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";

/** A fresh database on the run's server, so that points at once do not wait for each other's logs. */
export async function onOwnDatabase<T>(
  strike: (place: { readonly store: { readonly databaseUrl: string; readonly rootKey: string }; readonly tenant: string }) => Promise<T>,
): Promise<T> {
  const database = await testDatabase(inject("templateDatabase"));
  try {
    return await strike({ store: { databaseUrl: database.databaseUrl, rootKey: TEST_ROOT_KEY }, tenant: "acme" });
  } finally {
    await database.close();
  }
}
