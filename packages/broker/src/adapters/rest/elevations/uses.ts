import type { z } from "@hono/zod-openapi";
import type { Elevation } from "../../../domain/elevation.ts";
import type { elevationDetailSchema } from "../../../rest-contract/elevations.ts";
import type { RestPorts } from "../ports.ts";

/** Calls counted for one answer; whoever wants all of them asks the log for them. */
const MAX_COUNTED = 1_000;

/**
 * How often a right was used, and the latest call: each intent that stood on an elevation names it, and the log finds a record by that name as by
 * a rule's. A delegate's calls that stood on its delegator's right are among them.
 */
export async function usesOf(
  log: Pick<RestPorts["log"], "calls" | "recordsOf">,
  { tenant, id, given }: Elevation,
): Promise<z.input<typeof elevationDetailSchema>["uses"]> {
  if (given === undefined) return { calls: 0, more: false };
  const places: { readonly callId: string }[] = [];
  let before: number | undefined;
  do {
    const page = await log.calls(tenant, { rule: id, limit: MAX_COUNTED - places.length, ...(before === undefined ? {} : { before }) });
    places.push(...page.places);
    before = page.next;
  } while (before !== undefined && places.length < MAX_COUNTED);
  const [newest] = places;
  const intent = newest === undefined ? undefined : (await log.recordsOf(tenant, [newest.callId])).find(({ kind }) => kind === "intent");
  return {
    calls: places.length,
    more: before !== undefined,
    ...(intent === undefined ? {} : { latest: { callId: intent.callId, at: intent.at, ...actionOf(intent.text) } }),
  };
}

function actionOf(text: string): { readonly action?: string } {
  const leaf: unknown = JSON.parse(text);
  return typeof leaf === "object" && leaf !== null && "action" in leaf && typeof leaf.action === "string" ? { action: leaf.action } : {};
}
