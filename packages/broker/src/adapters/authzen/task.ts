import type { Approval, ApprovalState } from "../../domain/approval.ts";
import type { Elevation } from "../../domain/elevation.ts";

/** Values of the profile's section "Task Status Values" that are used. */
type TaskStatus = "pending" | "approved" | "denied" | "expired" | "cancelled";

/** A question to people as the profile shows a task (sections "Access Request Response" and "Completed Task Response"). */
export function viewTask(
  question: Approval | Elevation,
  collection: string,
  publicUrl: string,
): { readonly status: TaskStatus; readonly endpoint: string; readonly body: Readonly<Record<string, unknown>> } {
  const { id } = question;
  const endpoint = `${collection}/${encodeURIComponent(id)}`;
  const seen = "role" in question ? ofElevation(question) : ofApproval(question);
  const page =
    "role" in question ? `${publicUrl}/elevations/${encodeURIComponent(id)}` : `${publicUrl}/approvals/${encodeURIComponent(id)}`;
  return {
    status: seen.status,
    endpoint,
    body: {
      task: { id, status: seen.status, status_endpoint: endpoint, expires_at: seen.endsAt.toISOString(), links: { review: page } },
      ...(seen.status === "approved" ? { result: resultOf(id, seen) } : {}),
    },
  };
}

interface Seen {
  readonly status: TaskStatus;
  readonly endsAt: Date;
  readonly approvedAt?: Date | undefined;
}

function ofApproval({ state, expiresAt, answers }: Approval): Seen {
  const statuses: Readonly<Record<ApprovalState, TaskStatus>> = {
    pending: "pending",
    approved: "approved",
    // Its call has run: people did say yes.
    used: "approved",
    denied: "denied",
    expired: "expired",
    cancelled: "cancelled",
  };
  return { status: statuses[state], endsAt: expiresAt, approvedAt: answers.at(-1)?.at };
}

/** A task ends once: what was given stays approved, and whether it is still in force is decided when the call is made again. */
function ofElevation({ state, askEndsAt, given }: Elevation): Seen {
  if (given !== undefined) return { status: "approved", endsAt: given.until, approvedAt: given.from };
  return { status: state === "active" || state === "revoked" ? "approved" : state, endsAt: askEndsAt };
}

/** Section "Completion Semantics": the call is made again, and the broker looks up its own state. */
function resultOf(id: string, { approvedAt, endsAt }: Seen): object {
  return {
    mode: "reevaluate",
    approval: { id, ...(approvedAt === undefined ? {} : { approved_at: approvedAt.toISOString() }), approved_until: endsAt.toISOString() },
  };
}
