import type { JsonObject } from "@bailiwick/policy";
import { z } from "zod";
import type { Approval } from "../../src/domain/approval.ts";
import { type Ask, heldApproval, liveSession, recordCall, type RestHouse } from "./rest.ts";

const card = z.looseObject({ showing: z.string() });

/** What the card of an approval says it shows to this person now; a yes names it. */
export async function showing(ask: Ask, id: string): Promise<string> {
  return card.parse(await (await ask("GET", `/api/v1/approvals/${id}`)).json()).showing;
}

/** Looks at an approval and says yes to what is shown. */
export async function approve(ask: Ask, id: string, more: JsonObject = {}): Promise<Response> {
  return ask("POST", `/api/v1/approvals/${id}/approve`, { showing: await showing(ask, id), ...more });
}

/** An approval whose session lives, and whose call is in the log with the record it was decided over: other arguments can be decided. */
export async function askedCall(house: RestHouse, overrides: Partial<Approval> = {}): Promise<Approval> {
  const session = liveSession();
  await house.store.sessions.create(session);
  const approval = heldApproval({ session: session.id, run: session.run, ...overrides });
  await recordCall(
    house,
    approval.callId,
    "hold",
    { approval: approval.id },
    {
      resource: { type: "Ticket", id: "T-17", attributes: { id: "T-17", status: "open" } },
    },
  );
  await house.store.approvals.create(approval);
  return approval;
}
