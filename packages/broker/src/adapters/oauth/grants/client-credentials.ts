import { z } from "zod";
import type { SessionWish } from "../issue-session.ts";
import { OAuthError } from "../oauth-error.ts";
import { askedRights } from "./asked-rights.ts";
import type { GrantPorts, GrantRequest } from "./grant.ts";

export const CLIENT_CREDENTIALS = "client_credentials";

const oneLine = (max: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^\P{Cc}+$/u);
const user = oneLine(256);

/**
 * The agent asks for itself (RFC 6749 section 4.4) and says for whom and for what: `user` and `task`, and optionally `run`, `data`, `scope` and
 * `authorization_details`.
 * @throws OAuthError `invalid_request`, `invalid_scope`.
 */
export async function clientCredentials(_: GrantPorts, { agent, binding, form }: GrantRequest): Promise<SessionWish> {
  const { task, ...asked } = askedRights(form);
  const named = user.safeParse(form["user"]);
  if (!named.success) throw missing("user", "whom the work is for");
  if (task === undefined) throw missing("task", "what the work is, such as a ticket's number");
  return { agent, binding, grant: "client_credentials", user: named.data, userProof: "asserted", task, ...asked };
}

function missing(name: string, what: string): OAuthError {
  return new OAuthError("invalid_request", `\`${name}\` is missing or not one line of text; send ${what}`);
}
