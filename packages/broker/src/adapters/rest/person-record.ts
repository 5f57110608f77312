import type { JsonObject, PersonConfig } from "@bailiwick/policy";
import { type AdminAct, type AdminEvent, adminRecord } from "../../domain/admin-record.ts";
import type { Receipt } from "../../domain/receipt.ts";
import { adminId } from "./admin-id.ts";
import type { RestPorts } from "./ports.ts";
import { Problem } from "./problem.ts";

/** @throws Problem `not_found` when the policy lists no such person. */
export function personNamed(ports: Pick<RestPorts, "policy">, id: string): PersonConfig {
  const person = ports.policy().people.find((candidate) => candidate.id === id);
  if (person !== undefined) return person;
  throw new Problem("not_found", `there is no person \`${id}\` in the policy`, ["list the person under `people` in `bailiwick.yaml`"]);
}

/** Who did it and how, and what is to be said of it. */
export type PersonAct = Pick<AdminAct, "by" | "body" | "facts"> & { readonly via: string };

/**
 * Records something about a person in the log of each of their tenants, before it takes effect. Nothing of it is a secret.
 * @throws Fault `log_unavailable`.
 */
export async function recordPerson(
  ports: Pick<RestPorts, "policy" | "log" | "now" | "random">,
  person: Pick<PersonConfig, "id" | "tenants">,
  event: AdminEvent,
  act: PersonAct,
): Promise<void> {
  const at = ports.now();
  const { tenants } = ports.policy();
  for (const tenant of person.tenants.filter((each) => tenants.includes(each))) {
    await ports.log.append(tenant, adminRecord({ ...act, at, event, person: person.id, callId: adminId(ports) }));
  }
}

/** A receipt as the facts of a record hold it: everything an auditor needs to verify it. */
export function receiptFacts(receipt: Receipt | undefined): JsonObject {
  return receipt === undefined ? {} : { receipt: { ...receipt, publicKey: { ...receipt.publicKey } } };
}
