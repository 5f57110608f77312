/** What the broker said no to, or why it could not be asked. */
export class ApiProblem extends Error {
  constructor(status, problem) {
    super(problem.detail ?? "the broker did not answer");
    this.status = status;
    this.code = problem.code;
    this.next = Array.isArray(problem.next) ? problem.next : [];
  }
}

/** Asks the broker under this browser's sign-in. The header proves that this page asks: another site cannot send it. */
export async function ask(path, body) {
  const options =
    body === undefined
      ? {}
      : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", "x-bailiwick-client": "console" } };
  let response;
  try {
    response = await fetch(`/api/v1${path}`, { ...options, cache: "no-store", credentials: "same-origin" });
  } catch {
    throw new ApiProblem(0, { detail: "the broker does not answer", next: ["see whether `bailiwick up` still runs"] });
  }
  const value = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiProblem(response.status, value);
  return value;
}
