import { ApiProblem } from "../../api/client.ts";

/**
 * How many records the newest signed checkpoint of a log covers: the second line of the note (C2SP tlog-checkpoint). Undefined while there is
 * none. @throws ApiProblem.
 */
export async function signedSize(tenant: string): Promise<number | undefined> {
  const answer = await fetch(`/api/v1/audit/logs/${encodeURIComponent(tenant)}/checkpoint`, {
    cache: "no-store",
    headers: { "x-bailiwick-client": "console" },
  });
  if (answer.status === 404) return undefined;
  if (!answer.ok)
    throw new ApiProblem(answer.status, { detail: "the log's newest checkpoint cannot be read", next: ["load the page again"] });
  const size = Number((await answer.text()).split("\n")[1]);
  return Number.isSafeInteger(size) ? size : undefined;
}
