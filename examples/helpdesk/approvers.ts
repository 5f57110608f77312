import { z } from "zod";

/** How a person answers: over REST, under their own sign-in. */
export interface Approvers {
  /** The changes a person is shown: path -> [before, after]. */
  diff(person: string, ticket: string): Promise<Readonly<Record<string, readonly [unknown, unknown]>>>;
  answer(person: string, ticket: string, answer: "approve" | "deny", reason: string): Promise<void>;
}

const approvalView = z.object({
  diff: z.array(z.object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() })),
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
    diff: async (person, ticket) => {
      const { diff } = approvalView.parse(await request(person, "GET", encodeURIComponent(ticket)));
      return Object.fromEntries(diff.map(({ path, before, after }) => [path, [before, after]]));
    },
    answer: async (person, ticket, answer, reason) => {
      await request(person, "POST", `${encodeURIComponent(ticket)}/${answer}`, { reason });
    },
  };
}
