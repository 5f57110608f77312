import type { Locator, Page } from "playwright-core";
import type { Approval } from "../../src/domain/approval.ts";
import { heldApproval, liveSession, type RestHouse, recordCall } from "../people-support/rest.ts";

/** Terms that let a yes cover several calls. */
export const BOUNDED_TERMS: Approval["terms"] = { count: 1, also: [], stepUp: false, bounded: { uses: 20, forMs: 8 * 3_600_000 } };

/** Holds a call in the store, as the call path would. */
export async function held(house: RestHouse, overrides: Partial<Approval> = {}): Promise<Approval> {
  const approval = heldApproval(overrides);
  await house.store.approvals.create(approval);
  return approval;
}

/** Holds a call whose session and record are known, so that other arguments can be decided. */
export async function heldInSession(house: RestHouse, overrides: Partial<Approval> = {}): Promise<Approval> {
  const session = liveSession();
  await house.store.sessions.create(session);
  const approval = await held(house, { session: session.id, run: session.id, ...overrides });
  await recordCall(
    house,
    approval.callId,
    "hold",
    { verdict: "ask", session: session.id, run: session.id },
    { resource: { type: "Ticket", id: "T-17", attributes: { id: "T-17", status: "open" } } },
  );
  return approval;
}

/** Denies whatever waits, so that a test begins with an empty inbox. */
export async function emptyInbox(house: RestHouse, tenant = "acme"): Promise<void> {
  for (;;) {
    const { approvals } = await house.store.approvals.list(tenant, { state: "pending", order: "newest", limit: 200 });
    if (approvals.length === 0) return;
    for (const { id } of approvals) await house.store.approvals.cancel(tenant, id);
  }
}

export async function stored(house: RestHouse, { tenant, id }: Approval): Promise<Approval | undefined> {
  return house.store.approvals.find(tenant, id);
}

/** The card of an approval, beside the list or instead of it. */
export function card(page: Page, { id }: Approval): Locator {
  return page.locator(`[data-card="${id}"]`);
}

/** Its line in the list. */
export function row(page: Page, { id }: Approval): Locator {
  return page.locator(`li[data-approval="${id}"]`);
}

/** Presses keys one after the other and says how many there were. */
export async function press(page: Page, ...keys: readonly string[]): Promise<number> {
  for (const key of keys) await page.keyboard.press(key);
  return keys.length;
}
