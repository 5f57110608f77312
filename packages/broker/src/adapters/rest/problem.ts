/** The closed list of problems the people's interface answers with, each with its HTTP status and title (RFC 9457). */
export const PROBLEMS = {
  malformed_request: { status: 400, title: "the request is not well-formed" },
  unauthenticated: { status: 401, title: "sign in first" },
  operator_key_required: { status: 403, title: "only the holder of the operator key may do this" },
  person_required: { status: 403, title: "only a person may do this" },
  role_required: { status: 403, title: "this person does not hold the role it takes" },
  separation_of_duties: { status: 403, title: "nobody answers a request made for themselves" },
  wrong_tenant: { status: 403, title: "not one of your tenants" },
  step_up_required: { status: 403, title: "sign this with a passkey" },
  step_up_mismatch: { status: 403, title: "something else was signed" },
  passkey_required: { status: 403, title: "register a passkey first" },
  ceremony_refused: { status: 403, title: "the passkey was not accepted" },
  enrolment_refused: { status: 403, title: "the enrolment link is not valid" },
  sso_refused: { status: 403, title: "the identity provider's answer was not accepted" },
  tool_not_connected: { status: 409, title: "the tool was not connected" },
  origin_refused: { status: 403, title: "the request comes from another site" },
  not_found: { status: 404, title: "there is no such thing here" },
  already_answered: { status: 409, title: "the approval is no longer pending" },
  approval_expired: { status: 409, title: "the approval has expired" },
  approval_changed: { status: 409, title: "something else is asked by now" },
  approval_stale: { status: 409, title: "what was asked no longer holds" },
  edit_refused: { status: 409, title: "policy does not allow this instead" },
  bounds_refused: { status: 409, title: "this may not be approved for several calls" },
  not_alike: { status: 409, title: "these cannot be answered together" },
  already_revoked: { status: 409, title: "the session is already revoked" },
  session_ended: { status: 409, title: "what the session stands on has ended" },
  step_up_used: { status: 409, title: "this signature was used already" },
  last_passkey: { status: 409, title: "this is the last way to sign in" },
  passkeys_unavailable: { status: 409, title: "browsers offer no passkeys here" },
  search_taken: { status: 409, title: "the search is somebody else's" },
  legal_hold: { status: 409, title: "a legal hold covers it" },
  calls_under_way: { status: 409, title: "a call has no end yet" },
  log_broken: { status: 409, title: "the log is not as it was signed" },
  key_retired: { status: 409, title: "the key was retired" },
  key_shared: { status: 409, title: "another agent holds this key" },
  credential_conflict: { status: 409, title: "the credential's versions do not allow it" },
  credential_not_verified: { status: 409, title: "the credential was not shown to work" },
  notification_not_dead: { status: 409, title: "the notification was not given up" },
  proof_unavailable: { status: 409, title: "the log cannot show this" },
  not_eligible: { status: 409, title: "this right cannot be asked for" },
  elevation_wider: { status: 409, title: "this is more than was asked for" },
  elevation_over: { status: 409, title: "the right is not in force" },
  body_too_large: { status: 413, title: "the request is too large" },
  unsupported_media_type: { status: 415, title: "send JSON" },
  too_many_attempts: { status: 429, title: "too many attempts" },
  internal_fault: { status: 500, title: "the broker failed" },
  tool_unavailable: { status: 502, title: "the tool cannot be reached" },
  sso_unavailable: { status: 502, title: "the identity provider cannot be used" },
  log_unavailable: { status: 503, title: "the audit log cannot be written" },
  store_unavailable: { status: 503, title: "the store cannot be reached" },
  policy_unavailable: { status: 503, title: "no policy is in force" },
  credential_unavailable: { status: 503, title: "the credential cannot be used" },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** Stops a request of a person or of the command line. `detail` says what and why, `next` what to do. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly next: readonly string[];
  constructor(code: ProblemCode, detail: string, next: readonly string[] = [], options?: { cause?: unknown }) {
    super(detail, options);
    this.code = code;
    this.next = next;
  }
}

/** A problem as an `application/problem+json` answer; extension members `code` and `next` (RFC 9457 section 3.2). */
export function problemResponse(problem: Problem): Response {
  const { status, title } = PROBLEMS[problem.code];
  const body = {
    type: `urn:bailiwick:problem:${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    next: problem.next,
  };
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  if (status === 401) headers.set("www-authenticate", 'Bearer realm="bailiwick people"');
  return new Response(JSON.stringify(body), { status, headers });
}
