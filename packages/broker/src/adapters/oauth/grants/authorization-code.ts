import type { Client } from "oidc-provider";
import { z } from "zod";
import { mayActAs } from "../../../domain/consent.ts";
import type { SenderBinding } from "../../../domain/session.ts";
import type { SessionWish } from "../issue-session.ts";
import { OAuthError } from "../oauth-error.ts";
import type { GrantPorts } from "./grant.ts";

/** What a person allowed a client, as it is kept beside the provider's grant. */
export const consentSchema = z.object({
  person: z.string(),
  agent: z.string(),
  client: z.string(),
  task: z.string(),
  /** All sessions of a consent are one run. */
  run: z.string().optional(),
  data: z.record(z.string(), z.json()),
  rows: z.array(z.record(z.string(), z.record(z.string(), z.array(z.string())))),
  limits: z.object({ calls: z.number().optional(), records: z.number().optional(), cost: z.number().optional() }),
  detailed: z.boolean(),
});
export type Consent = z.output<typeof consentSchema>;

/**
 * The session that a code or a refresh token gives. That the person may let this client act as the agent is asked each time, because the
 * policy may have changed since they said yes.
 * @throws OAuthError `invalid_grant`, `invalid_scope`.
 */
export function authorizationCode(
  ports: Pick<GrantPorts, "policy">,
  request: { readonly consent: Consent; readonly client: Client; readonly scope: string | undefined; readonly binding: SenderBinding },
): SessionWish {
  const { consent, client, binding } = request;
  const { agents, people } = ports.policy();
  const agent = agents.find(({ name }) => name === consent.agent);
  const person = people.find(({ id }) => id === consent.person);
  if (agent === undefined || person === undefined || consent.client !== client.clientId || !mayActAs(person, agent, client))
    throw new OAuthError(
      "invalid_grant",
      "the policy no longer lets this person and client act as the agent; start the authorization again",
    );
  const scope = (request.scope ?? "").split(" ").filter((token) => token !== "");
  if (scope.length === 0)
    throw new OAuthError("invalid_scope", "nothing that was asked for is left of the consent; start the authorization again");
  return {
    agent,
    user: person.id,
    userProof: "signed-in",
    task: consent.task,
    run: consent.run,
    data: consent.data,
    scope,
    rows: consent.rows,
    limits: consent.limits,
    grant: "authorization_code",
    binding,
    client: client.clientId,
  };
}
