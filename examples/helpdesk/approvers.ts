import { z } from "zod";
import type { ObservedRule } from "./observed.ts";

/** How a person answers: over REST, under their own sign-in. */
export interface Approvers {
  /** What a person is shown before they answer. */
  view(person: string, ticket: string): Promise<HeldCall>;
  answer(person: string, ticket: string, answer: "approve" | "deny", reason: string): Promise<void>;
}

export interface HeldCall {
  /** Path -> [before, after]. */
  readonly diff: Readonly<Record<string, readonly [unknown, unknown]>>;
  readonly rules: readonly ObservedRule[];
}

const approvalView = z.object({
  showing: z.string(),
  diff: z.array(z.object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() })),
  rules: z.array(z.object({ id: z.string(), reason: z.string(), at: z.object({ file: z.string(), line: z.int() }) })),
});

/** `tokenOf` gives a person's bearer token; agents have none, so no agent can take this way. */
export function restApprovers(brokerUrl: string, tokenOf: (person: string) => string): Approvers {
  async function request(person: string, method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${brokerUrl}/api/v1/approvals/${path}`, {
      method,
      headers: { authorization: `Bearer ${tokenOf(person)}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw new Error(`\`${person}\` could not answer the approval (${response.status}): ${JSON.stringify(answer)}`);
    return answer;
  }
  return {
    view: async (person, ticket) => {
      const { diff, rules } = approvalView.parse(await request(person, "GET", encodeURIComponent(ticket)));
      return { diff: Object.fromEntries(diff.map(({ path, before, after }) => [path, [before, after] as const])), rules };
    },
    answer: async (person, ticket, answer, reason) => {
      const path = encodeURIComponent(ticket);
      // A yes is to what was looked at, so it names that.
      const looked = answer === "deny" ? {} : { showing: approvalView.parse(await request(person, "GET", path)).showing };
      await request(person, "POST", `${path}/${answer}`, { ...looked, reason });
    },
  };
}
