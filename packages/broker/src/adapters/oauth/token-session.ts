import { Refusal } from "../../call/refusal.ts";
import type { Session } from "../../domain/session.ts";
import type { OAuthPorts } from "./oauth-ports.ts";

/** The session an access token of ours names; undefined when the text is no such token, or it has expired. @throws Fault. */
export async function sessionOf(ports: Pick<OAuthPorts, "token" | "sessions" | "now">, token: string): Promise<Session | undefined> {
  try {
    const verified = await ports.token(token, ports.now());
    return await ports.sessions.find(verified.tenant, verified.session);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
