import type { PathFacts, StepName, StepState, Told } from "./call-path.ts";

const PROOFS: Readonly<Record<string, string>> = {
  bearer: "a bearer token, which whoever has it can use",
  dpop: "a token and a DPoP proof of its holder",
  mtls: "a token and the client certificate it is bound to",
  hmac: "a token and a signed request",
};

/** What a step that was reached came to, in one sentence. */
export function saysOf(step: StepName, state: StepState, facts: PathFacts): string {
  if (state === "stopped" && step !== "approve") return stopped(facts);
  const { decided } = facts;
  switch (step) {
    case "authenticate":
      return PROOFS[decided.told.binding ?? ""] ?? "a token";
    case "session":
      return session(decided);
    case "identify":
      return action(decided);
    case "decide":
      return decision(facts);
    case "limit":
      return limits(facts);
    case "approve":
      return approval(state, facts);
    case "intend":
      return intent(facts);
    case "inject":
      return credential(facts);
    case "execute":
      return execution(state, facts);
    case "filter":
      return filtered(facts);
    case "record":
      return outcome(facts);
  }
}

function stopped({ code, outcome: end, decided }: PathFacts): string {
  const message = end?.body.message ?? decided.body.message;
  return message === undefined ? `stopped with \`${code ?? "refused"}\`` : `stopped with \`${code ?? "refused"}\`: ${message}`;
}

function session({ body }: Told): string {
  const depth = body.lineage?.length ?? 0;
  const delegated = depth === 0 ? "" : `, delegated ${depth === 1 ? "once" : `${depth} times`}`;
  return `${body.session ?? "a session"} of ${body.agent ?? "an agent"} for ${body.user ?? "nobody named"}${delegated}`;
}

function action({ body, told }: Told): string {
  const what = [body.tool, told.operation].filter((part) => part !== undefined).join(".");
  if (body.action === undefined) return told.method ?? (what === "" ? "no action of the catalog" : what);
  return `${body.action} (${body.effect ?? "effect unknown"})${what === "" ? "" : `, ${what}`}${told.method === undefined ? "" : `, ${told.method}`}`;
}

function decision({ hold, intent: begun, decided, lookups }: PathFacts): string {
  const elevated =
    (begun?.told.elevations ?? []).length === 0 ? "" : `, by a right for a time (${begun?.told.elevations?.join(", ") ?? ""})`;
  const verdict = `${(hold ?? decided).body.verdict ?? "no decision is recorded"}${elevated}`;
  return lookups.length === 0
    ? verdict
    : `${verdict}, after ${lookups.length === 1 ? "looking the record up" : `${lookups.length} lookups`}`;
}

function limits({ intent: begun }: PathFacts): string {
  const count = begun?.told.limits ?? 0;
  if (count === 0) return "draws from no counter";
  return `draws from ${count === 1 ? "one counter or budget" : `${count} counters and budgets`}`;
}

function approval(state: StepState, { hold, intent: begun, answer, decided, code }: PathFacts): string {
  const id = (begun ?? hold ?? decided).body.approval;
  const which = id === undefined ? "" : ` (${id})`;
  if (answer !== undefined) {
    const yes = answer.body.event === "approval.approve";
    const after =
      begun !== undefined || !yes
        ? ""
        : state === "waiting"
          ? "; more people are needed"
          : "; the agent's next call like it stands on that";
    return `${answer.body.by ?? "a person"} said ${yes ? "yes" : "no"}${which}${after}`;
  }
  if (begun?.told.bounded === true) return `a yes to several calls covers it${which}`;
  if (begun?.body.approvedBy !== undefined) return `${[begun.body.approvedBy].flat().join(", ")} said yes${which}`;
  if (state === "stopped") return `stopped with \`${code ?? "refused"}\`${which}`;
  if (state === "waiting") {
    const until = hold?.told.expiresAt;
    return `waits for ${hold?.told.approvers?.join(" or ") ?? "a person"}${until === undefined ? "" : ` until ${until}`}${which}`;
  }
  return id === undefined ? "nobody had to be asked" : `a person said yes${which}`;
}

function intent({ intent: begun, decided }: PathFacts): string {
  return `durable as record ${(begun ?? decided).index}`;
}

function credential({ outcome: end, intent: begun }: PathFacts): string {
  const used = end?.told.credential ?? begun?.told.credential;
  if (used === undefined) return "the tool is given none";
  return used.version === undefined || used.version === null ? `\`${used.name}\`` : `\`${used.name}\`, version ${used.version}`;
}

function execution(state: StepState, { outcome: end }: PathFacts): string {
  const took = end?.told.upstreamMs;
  if (state === "running") return "sent, and no outcome is recorded yet";
  if (state === "unknown") return "sent, and nobody knows what came of it";
  return took === undefined ? "sent once" : `sent once; the tool took ${took} ms`;
}

function filtered({ outcome: end }: PathFacts): string {
  const { records, rowsRemoved = 0, hidden = [], masked = [] } = end?.told ?? {};
  if (records === undefined) return "no result to show";
  return [
    `${records === 1 ? "1 record" : `${records} records`} shown`,
    ...(rowsRemoved === 0 ? [] : [`${rowsRemoved} taken out`]),
    ...(hidden.length === 0 ? [] : [`hidden: ${hidden.join(", ")}`]),
    ...(masked.length === 0 ? [] : [`masked: ${masked.join(", ")}`]),
  ].join("; ");
}

function outcome({ outcome: end }: PathFacts): string {
  const took = end?.body.durationMs;
  const waited = end?.told.waitedMs;
  return `${end?.body.status ?? "done"}${took === undefined ? "" : `, ${took} ms after it arrived`}${waited === undefined ? "" : `, ${waited} of them waiting for a person`}`;
}
