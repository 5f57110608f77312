import type { z } from "@hono/zod-openapi";
import type { Effect } from "@bailiwick/policy";
import type { Approval } from "../../domain/approval.ts";
import type { RestPorts } from "./ports.ts";
import { type Principal, readOnlyProblem } from "./principal.ts";
import { Problem } from "./problem.ts";
import type { approvalSchema } from "../../rest-contract/schemas.ts";

/** What it takes to say who may answer. */
type AnswerPorts = Pick<RestPorts, "now" | "policy">;

/** An approval as a person sees it, with whether they may answer it. */
export function viewApproval(
  approval: Approval,
  principal: Principal,
  ports: AnswerPorts,
  actors: readonly string[],
): z.input<typeof approvalSchema> {
  const now = ports.now();
  const problem = answerProblem(approval, principal, ports, actors);
  const { resource, answer, ...rest } = approval;
  return {
    ...rest,
    sentence: approvalSentence(approval),
    args: { ...approval.args },
    diff: approval.diff.map((change) => ({ ...change })),
    rules: [...approval.rules],
    approvers: [...approval.approvers],
    state: approval.state === "pending" && approval.expiresAt <= now ? "expired" : approval.state,
    createdAt: approval.createdAt.toISOString(),
    expiresAt: approval.expiresAt.toISOString(),
    ...(resource === undefined ? {} : { resource: { type: resource.type, id: resource.id } }),
    ...(answer === undefined
      ? {}
      : {
          answer: {
            by: answer.by,
            at: answer.at.toISOString(),
            reason: answer.reason,
            ...(answer.args === undefined ? {} : { args: { ...answer.args } }),
          },
        }),
    mayAnswer: problem === undefined,
    ...(problem === undefined ? {} : { mayNotBecause: problem.message }),
  };
}

/**
 * Why this principal may not answer, or undefined when they may. Needs one of the approval's roles in its tenant,
 * and never the person the call is made for, nor the owner of the agent that makes it or of one that delegated it (`actors`): the token
 * names the one and the policy the others, so none can be talked away in the request.
 */
export function answerProblem(
  approval: Approval,
  principal: Principal,
  ports: AnswerPorts,
  actors: readonly string[],
): Problem | undefined {
  if (principal.kind === "operator")
    return new Problem("person_required", "an approval is a person's answer", ["give the command `--as <person>`"]);
  const { person } = principal;
  if ([person.id, person.email].some((own) => own.toLowerCase() === approval.user.trim().toLowerCase())) {
    return new Problem("separation_of_duties", `\`${person.id}\` is the user this call is made for, so someone else must answer`, [
      `ask a person with one of the roles: ${approval.approvers.join(", ") || "none"}`,
    ]);
  }
  const own = ports.policy().agents.find(({ name, owner }) => owner === person.id && (name === approval.agent || actors.includes(name)));
  if (own !== undefined) {
    const does = own.name === approval.agent ? "asks" : "delegated this call";
    return new Problem("separation_of_duties", `\`${person.id}\` owns the agent that ${does}, so someone else must answer`, [
      `ask another person with one of the roles: ${approval.approvers.join(", ") || "none"}`,
    ]);
  }
  const readOnly = readOnlyProblem(person);
  if (readOnly !== undefined) return readOnly;
  if (!principal.tenants.includes(approval.tenant) || !person.roles.some((role) => approval.approvers.includes(role))) {
    return new Problem(
      "role_required",
      `\`${person.id}\` holds none of the roles that may answer this: ${approval.approvers.join(", ") || "none"}`,
      ["ask a person who holds one; `bailiwick.yaml` lists the people and their roles"],
    );
  }
  if (approval.state === "expired" || (approval.state === "pending" && approval.expiresAt <= ports.now())) {
    return new Problem("approval_expired", "nobody answered in time, so the approval has expired", ["the agent may ask again"]);
  }
  return approval.state === "pending" ? undefined : alreadyAnswered(approval.state);
}

export function alreadyAnswered(state: Approval["state"]): Problem {
  return new Problem("already_answered", `the approval is ${state} already; the first answer counts`, [
    "run `bailiwick approvals show <id>` to see who answered",
  ]);
}

/** What would happen, in one sentence of ours; names in it come from the policy and the token, never from the agent's text. */
export function approvalSentence(approval: Approval): string {
  const agent = approval.agent.split("/").at(-1) ?? approval.agent;
  const target =
    approval.resource === undefined
      ? `\`${approval.scope}\``
      : `${approval.resource.type} \`${approval.resource.id}\` (\`${approval.scope}\`)`;
  return `agent \`${agent}\` of ${approval.tenant}/${approval.environment} wants to ${verb(approval.effect)} ${target} for user \`${approval.user}\``;
}

function verb(effect: string): string {
  const verbs: Readonly<Record<Effect, string>> = {
    read: "read",
    write: "change",
    delete: "delete",
    send: "send out through",
    pay: "pay through",
    export: "export through",
    grant: "change permissions through",
    execute: "run",
  };
  return Object.entries(verbs).find(([name]) => name === effect)?.[1] ?? "run";
}
