import { z } from "zod";
import type { Session } from "../../domain/session.ts";
import { AccessRequestProblem } from "./problems.ts";

/** A submission, as far as it is used. */
export interface Submission {
  /** The id of the call that was refused, or the ticket of the one that is held. */
  readonly evaluation: string;
  /** Scope of the action that is asked for. */
  readonly action: string;
  /** The tool that has it. */
  readonly tool: string;
  /** In the agent's own words. */
  readonly reason: string;
  readonly minutes: number | undefined;
}

const text = z.string().min(1).max(512);
const entity = z.object({ type: text, id: text, properties: z.record(z.string(), z.json()).optional() });
const time = z.iso.datetime({ offset: true });
/** What is added to the context when it is submitted; members of the denied evaluation's own are not looked at. */
const context = z.looseObject({ business_justification: z.string().trim().min(1).max(1_000).optional() });

/** Section "Access Request Submission" of the profile. Members it leaves to companions are refused, so that nobody believes they count. */
const submissionSchema = z.strictObject({
  subject: entity,
  resource: entity,
  action: z.object({ name: text, properties: z.record(z.string(), z.json()).optional() }),
  context: context.optional(),
  requested_access: z.strictObject({ requested_until: time.optional() }).optional(),
  denial: z.strictObject({
    evaluation_id: z
      .string()
      .max(128)
      .regex(/^[A-Za-z0-9_-]+$/u)
      .optional(),
    evaluated_at: time.optional(),
    expires_at: time,
    reason: z.string().max(256).optional(),
    template: z.string().max(256).optional(),
    binding_token: z.string().max(8_192).optional(),
  }),
});

/** Said where the agent gives no reason of its own: people see that there is none. */
const NO_REASON = "(no reason was given)";

/**
 * Reads a submission and checks that it is about the agent that makes it.
 * @throws AccessRequestProblem `malformed_request`, `not_requestable`, `invalid_denial_binding`, `expired_denial`.
 */
export function readSubmission(body: unknown, session: Pick<Session, "agent">, now: Date): Submission {
  if (typeof body === "object" && body !== null && "items" in body)
    throw new AccessRequestProblem("not_requestable", "`items` are not taken here; submit one request for each");
  const parsed = submissionSchema.safeParse(body);
  if (!parsed.success) {
    const at = (parsed.error.issues[0]?.path ?? []).join(".");
    throw new AccessRequestProblem("malformed_request", `\`${at.slice(0, 100) || "the body"}\` is missing, unknown or not valid`);
  }
  const { subject, resource, action, denial, requested_access: asked, context: given } = parsed.data;
  if (subject.type !== "agent" || subject.id !== session.agent)
    throw new AccessRequestProblem(
      "invalid_denial_binding",
      `\`subject\` is not the agent that asks; send {"type": "agent", "id": "${session.agent}"}`,
    );
  if (resource.type !== "tool")
    throw new AccessRequestProblem("invalid_denial_binding", "`resource` is no tool; send its name with the type `tool`");
  if (denial.evaluation_id === undefined)
    throw new AccessRequestProblem(
      "invalid_denial_binding",
      "`denial.evaluation_id` is missing; send the id of the refused call, or the ticket of the held one",
    );
  if (new Date(denial.expires_at) <= now) throw new AccessRequestProblem("expired_denial", "the denial has expired; make the call again");
  return {
    evaluation: denial.evaluation_id,
    action: action.name,
    tool: resource.id,
    reason: given?.business_justification ?? NO_REASON,
    minutes: asked?.requested_until === undefined ? undefined : minutesUntil(new Date(asked.requested_until), now),
  };
}

/** @throws AccessRequestProblem `malformed_request`. */
function minutesUntil(until: Date, now: Date): number {
  const minutes = Math.ceil((until.getTime() - now.getTime()) / 60_000);
  if (minutes >= 1) return minutes;
  throw new AccessRequestProblem("malformed_request", "`requested_access.requested_until` lies in the past");
}
