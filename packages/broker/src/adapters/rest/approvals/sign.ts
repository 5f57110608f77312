import { canonicalize } from "@bailiwick/ledger";
import type { JsonObject } from "@bailiwick/policy";
import type { Approval, ApprovalBounds } from "../../../domain/approval.ts";
import type { Receipt } from "../../../domain/receipt.ts";
import { asAssertion, type stepUpSchema } from "../assertion-schema.ts";
import { CHALLENGE_MS, party } from "../ceremony.ts";
import { newSecret } from "../person-cookie.ts";
import type { RestPorts } from "../ports.ts";
import { Problem } from "../problem.ts";
import { finishStepUp } from "../step-up.ts";
import { viewBounds } from "./view.ts";
import type { z } from "@hono/zod-openapi";

/** Type of the document that a yes to a held call signs. */
export const APPROVAL_DOCUMENT = "bailiwick.approval.v1";

/** What exactly a person says yes to: everything that the permit will be bound to. */
export function approvalDocument(
  approval: Approval,
  yes: { readonly person: string; readonly args: JsonObject; readonly argsDigest: string; readonly bounds?: ApprovalBounds | undefined },
): JsonObject {
  const { id, tenant, environment, agent, actors, user, task, operation, scope, effect, fingerprint, policyVersion, resource } = approval;
  return {
    type: APPROVAL_DOCUMENT,
    verdict: "approve",
    approval: id,
    tenant,
    environment,
    agent,
    actors: [...actors],
    user,
    task,
    operation: { ...operation },
    scope,
    effect,
    args: yes.args,
    argsDigest: yes.argsDigest,
    fingerprint,
    policyVersion,
    ...(resource === undefined ? {} : { record: { type: resource.type, id: resource.id, digest: resource.digest } }),
    ...(yes.bounds === undefined ? {} : { bounds: viewBounds(yes.bounds) as JsonObject }),
    person: yes.person,
  };
}

/** The document with what makes it the only one of its kind: where it is signed, until when, and a nonce. */
export function toBeSigned(ports: Pick<RestPorts, "random" | "now" | "publicUrl">, about: JsonObject): JsonObject {
  const { origin } = party(ports);
  const expiresAt = new Date(ports.now().getTime() + CHALLENGE_MS).toISOString();
  return { ...about, origin, nonce: newSecret(ports), expiresAt };
}

/**
 * The receipt of a signature over exactly this document.
 * @throws Problem `step_up_required`, `step_up_mismatch`, `step_up_used`, `ceremony_refused`.
 */
export async function requireSigned(
  ports: RestPorts,
  person: string,
  about: JsonObject,
  given: z.output<typeof stepUpSchema> | undefined,
  where: string,
): Promise<Receipt> {
  if (given === undefined) {
    throw new Problem("step_up_required", "a rule wants this yes signed with your passkey over exactly this action", [
      `ask \`POST ${where}\` what to sign, and send the signature along`,
    ]);
  }
  const { origin: _origin, nonce: _nonce, expiresAt: _expiresAt, ...signed } = given.document;
  if (canonical(given.document) === undefined || canonical(signed) !== canonical(about)) {
    throw new Problem("step_up_mismatch", "what was signed is not what would be approved", [
      "look at it again and sign what is shown then",
    ]);
  }
  return finishStepUp(ports, person, given.document, asAssertion(given.assertion));
}

/** A document without a canonical form is no document that was handed out. */
function canonical(document: JsonObject): string | undefined {
  try {
    return canonicalize(document);
  } catch {
    return undefined;
  }
}
