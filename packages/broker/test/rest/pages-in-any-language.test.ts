import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openStore, type Store } from "../../src/adapters/store/index.ts";
import { heldApproval, openRestHouse, type RestHouse } from "../people-support/rest.ts";
import { elevationOf } from "../store/elevation-sample.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { TEST_ROOT_KEY } from "../support/store.ts";

/** A database whose texts are in the order of a language, as most installations have it. */
let english: TestDatabase;
let store: Store;
let house: RestHouse;
beforeAll(async () => {
  english = await testDatabase("template0 locale_provider icu icu_locale 'en'");
  store = await openStore({ databaseUrl: english.databaseUrl, rootKey: TEST_ROOT_KEY }, { brokerId: "in-english" });
  house = await openRestHouse({ approvals: store.approvals, elevations: store.elevations });
});
afterAll(async () => {
  await house.close();
  await store.close();
  await english.close();
});

const EACH = 20;
const at = new Date();

async function allPages(list: "approvals" | "elevations"): Promise<readonly string[]> {
  const page = z.looseObject({ next: z.string().optional() });
  const olaf = await house.as("olaf");
  const seen: string[] = [];
  let after = "";
  do {
    const answer: unknown = await (await olaf("GET", `/api/v1/${list}?limit=7${after}`)).json();
    seen.push(
      ...z
        .array(z.looseObject({ id: z.string() }))
        .parse(page.parse(answer)[list])
        .map(({ id }) => id),
    );
    const { next } = page.parse(answer);
    after = next === undefined ? "" : `&after=${encodeURIComponent(next)}`;
  } while (after !== "");
  return seen;
}

test("questions of one instant, in two tenants, stand on one page each, whatever order the database gives to texts", async () => {
  for (const tenant of ["acme", "globex"])
    for (let each = 0; each < EACH; each += 1) {
      await store.approvals.create(heldApproval({ tenant, createdAt: at }));
      await store.elevations.ask(elevationOf({ tenant, createdAt: at, agent: `bailiwick://${tenant}/prod/helpdesk/agent-${each}` }));
    }
  for (const list of ["approvals", "elevations"] as const) {
    const seen = await allPages(list);
    expect([seen.length, new Set(seen).size], list).toEqual([2 * EACH, 2 * EACH]);
  }
});
