import { z } from "zod";
import type { CallPorts } from "../../call/ports.ts";
import type { Approval } from "../../domain/approval.ts";
import type { StoredRecord } from "../../domain/audit.ts";
import type { Session } from "../../domain/session.ts";
import { AccessRequestProblem } from "./problems.ts";
import type { Submission } from "./submission.ts";

/** How long after its refusal a call can be asked about: the binding window of the profile's section "Evaluation Identifier". */
const BINDING_WINDOW_MS = 10 * 60_000;

/** What a call needs: the yes that people were asked for already, or a right for a time. */
export type Denied = { readonly what: "held"; readonly approval: Approval } | { readonly what: "refused"; readonly scope: string };

const leafSchema = z.object({
  kind: z.string(),
  at: z.string(),
  agent: z.string().optional(),
  tool: z.string().optional(),
  action: z.string().optional(),
  approval: z.string().optional(),
});

/**
 * The call that a submission is about, found in the log: of the same agent, user and task, of the same tool and action, and fresh.
 * @throws AccessRequestProblem `invalid_denial_binding`, `expired_denial`, `not_requestable`.
 */
export async function deniedEvaluation(
  ports: Pick<CallPorts, "log" | "approvals" | "now">,
  session: Session,
  { evaluation, action, tool }: Submission,
): Promise<Denied> {
  const ticket = evaluation.startsWith("apr_") ? await ports.approvals.find(session.tenant, evaluation) : undefined;
  if (ticket !== undefined) return heldCall(session, ticket, { action, tool });
  const last = (await ports.log.recordsOf(session.tenant, [evaluation])).filter(({ kind }) => kind === "refusal" || kind === "hold").at(-1);
  const leaf = last === undefined ? undefined : leafOf(last);
  if (last === undefined || leaf === undefined || leaf.agent !== session.agent || !(await isFor(ports, session, evaluation)))
    throw unbound();
  if (last.kind === "hold") {
    const approval = leaf.approval === undefined ? undefined : await ports.approvals.find(session.tenant, leaf.approval);
    if (approval === undefined) throw unbound();
    return heldCall(session, approval, { action, tool });
  }
  if (leaf.action !== action || leaf.tool !== tool) throw unbound();
  if (ports.now().getTime() - Date.parse(leaf.at) > BINDING_WINDOW_MS)
    throw new AccessRequestProblem("expired_denial", "the call was refused too long ago; make it again and ask about that refusal");
  return { what: "refused", scope: action };
}

function heldCall(session: Session, approval: Approval, { action, tool }: Pick<Submission, "action" | "tool">): Denied {
  const own = approval.agent === session.agent && approval.user === session.user && approval.task === session.task;
  if (!own || approval.scope !== action || approval.operation.tool !== tool) throw unbound();
  return { what: "held", approval };
}

/** User and task lie among the facts; where they were erased nobody can be told to be the one. */
async function isFor({ log }: Pick<CallPorts, "log">, session: Session, callId: string): Promise<boolean> {
  const facts = await log.facts(session.tenant, callId);
  return facts?.["user"] === session.user && facts["task"] === session.task;
}

function leafOf({ text }: StoredRecord): z.output<typeof leafSchema> | undefined {
  return leafSchema.safeParse(JSON.parse(text)).data;
}

/** The same words whether there is no such call, it is another's, or of another action. */
function unbound(): AccessRequestProblem {
  return new AccessRequestProblem(
    "invalid_denial_binding",
    "there is no refused or held call of this id, action and tool, of this agent, user and task; send what the refusal named",
  );
}
