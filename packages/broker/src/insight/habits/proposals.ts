import {
  type CatalogAction,
  concealedFields,
  decide,
  findAction,
  load,
  type Policy,
  type PolicyFile,
  type RuleRef,
  runTests,
  type Verdict,
} from "@bailiwick/policy";
import type { Approval, ApprovalStore } from "../../domain/approval.ts";
import type { AuditLog } from "../../domain/audit.ts";
import type { Habits, RuleFigures } from "../../domain/habits.ts";
import { recordedRequest } from "../explain-call.ts";
import { forbid, type RuleChange, spare } from "./change-rule.ts";
import { conditionOf, type Sample } from "./condition-of.ts";
import { ALWAYS_FROM, OFTEN_FROM } from "./flags.ts";

/** A change of the policy for people to read, check and paste. Nothing ever applies it. */
export interface Proposal {
  readonly tenant: string;
  readonly kind: "spare" | "deny";
  /** Id of the rule that asked. */
  readonly rule: string;
  /** What people did, and what the change does. */
  readonly because: string;
  readonly condition?: string | undefined;
  /** Arguments the condition leaves open. */
  readonly open: readonly string[];
  readonly file: string;
  readonly line: number;
  readonly how: string;
  readonly yaml: string;
  /** Past questions asked of the changed policy: how many would not have been asked, how many still, how many are not known any more. */
  readonly replayed: { readonly spared: number; readonly still: number; readonly unknown: number };
  /** The folder's own tests that fail with it. */
  readonly failingTests: readonly string[];
}

/** Rules that are looked at, those that asked most first. */
const MAX_RULES = 20;
/** Questions of one rule that are looked at, the newest first. */
const MAX_QUESTIONS = 200;
const PAGE = 100;
const HALF = 0.5;
const DAY_MS = 86_400_000;
/** How long one person alone must have said yes: nearly all of the time that questions are kept. */
const LONG_DAYS = 28;

export interface ProposalPorts {
  readonly approvals: Pick<ApprovalStore, "list">;
  readonly log: Pick<AuditLog, "recordsOf" | "facts">;
  policy(): Policy;
  /** The files the policy in force was read from. */
  files(): readonly PolicyFile[];
  now(): Date;
}

/**
 * Where people always said yes, a condition that spares what was always approved; where they often said no, a deny of what was denied. Each is loaded
 * with the rest of the folder, and past questions are asked of it: one that does not load, or turns an answer round, is not proposed.
 */
export async function proposals(ports: ProposalPorts, tenant: string, habits: Habits, since: Date): Promise<readonly Proposal[]> {
  const found: Proposal[] = [];
  for (const figures of habits.rules.slice(0, MAX_RULES)) {
    const kind = kindOf(figures);
    if (kind === undefined) continue;
    const questions = await questionsOf(ports, tenant, figures.rule, since);
    const made =
      kind === "spare" ? await spareProposal(ports, tenant, figures, questions) : await denyProposal(ports, tenant, figures, questions);
    if (made !== undefined) found.push(made);
  }
  return found;
}

function kindOf({ approved, denied, approvers, firstAt, lastAt }: RuleFigures): Proposal["kind"] | undefined {
  const long = lastAt.getTime() - firstAt.getTime() >= LONG_DAYS * DAY_MS;
  if (denied === 0 && approved >= ALWAYS_FROM && (approvers >= 2 || long)) return "spare";
  return denied >= OFTEN_FROM && denied / (approved + denied) >= HALF ? "deny" : undefined;
}

async function questionsOf(ports: ProposalPorts, tenant: string, rule: string, since: Date): Promise<readonly Approval[]> {
  const found: Approval[] = [];
  for (let after: string | undefined; ;) {
    const page = await ports.approvals.list(tenant, { rule, order: "newest", after, limit: PAGE });
    const recent = page.approvals.filter(({ createdAt }) => createdAt > since);
    found.push(...recent.filter(({ drill }) => drill !== true));
    if (page.next === undefined || recent.length < page.approvals.length || found.length >= MAX_QUESTIONS)
      return found.slice(0, MAX_QUESTIONS);
    after = page.next;
  }
}

async function spareProposal(
  ports: ProposalPorts,
  tenant: string,
  figures: RuleFigures,
  questions: readonly Approval[],
): Promise<Proposal | undefined> {
  const yeses = questions.filter((each) => verdictOf(each) === "approve");
  // Whoever changed the arguments did more than say yes.
  if (yeses.some(({ answers }) => answers.some(({ args }) => args !== undefined))) return undefined;
  const asked = askedAlike(ports.policy(), yeses);
  if (asked === undefined) return undefined;
  const { action, rule } = asked;
  const condition = conditionOf(action, yeses.map(sampleOf), hiddenArguments(ports.policy(), action));
  const change = condition === undefined ? undefined : spare(ports.files(), rule, condition.text);
  if (condition === undefined || change === undefined) return undefined;
  const tried = await tryOut(ports, tenant, change, questions);
  const spared = tried?.verdicts.filter((verdict) => verdict === "allow").length ?? 0;
  if (tried === undefined || spared === 0) return undefined;
  return {
    tenant,
    kind: "spare",
    rule: rule.id,
    because: `people said yes ${figures.approved} of ${figures.approved} times; this spares what was always approved, and asks for everything else as before`,
    condition: condition.text,
    open: condition.open,
    ...placeOf(change),
    ...outcomeOf(tried, spared),
  };
}

async function denyProposal(
  ports: ProposalPorts,
  tenant: string,
  figures: RuleFigures,
  questions: readonly Approval[],
): Promise<Proposal | undefined> {
  const noes = questions.filter((each) => verdictOf(each) === "deny");
  const yeses = questions.filter((each) => verdictOf(each) === "approve");
  const policy = ports.policy();
  const asked = askedAlike(policy, noes);
  if (asked === undefined) return undefined;
  const { action, rule } = asked;
  const condition = conditionOf(action, noes.map(sampleOf), hiddenArguments(policy, action));
  // Without a condition it refuses everything, which is more than people said while they said yes to some.
  if (condition === undefined && yeses.length > 0) return undefined;
  const agents = new Set(noes.map(({ agent }) => agent));
  const roles = policy.agents.filter(({ name }) => agents.has(name)).flatMap((agent) => agent.roles);
  const said = `people said no ${figures.denied} of ${figures.approved + figures.denied} times`;
  const change = forbid(ports.files(), rule, { scope: action.scope, roles, condition: condition?.text, reason: said });
  const tried = change === undefined ? undefined : await tryOut(ports, tenant, change, questions);
  if (change === undefined || tried === undefined) return undefined;
  const refusedYes = questions.some((each, index) => verdictOf(each) === "approve" && tried.verdicts[index] === "deny");
  const spared = tried.verdicts.filter((verdict) => verdict === "deny").length;
  if (refusedYes || spared === 0) return undefined;
  return {
    tenant,
    kind: "deny",
    rule: rule.id,
    because: `${said}; this refuses what was denied without asking anybody${condition === undefined ? "; or take the grant away" : ""}`,
    ...(condition === undefined ? {} : { condition: condition.text }),
    open: condition?.open ?? [],
    ...placeOf(change),
    ...outcomeOf(tried, spared),
  };
}

/** How a question was decided; undefined when it was not. */
function verdictOf({ state, answers }: Approval): "approve" | "deny" | undefined {
  const last = answers.at(-1);
  if (state === "denied") return "deny";
  return last?.verdict === "approve" && state !== "pending" ? "approve" : undefined;
}

/** The one action that questions are about, and the rule that asked, where the policy in force has both. */
function askedAlike(
  policy: Policy,
  questions: readonly Approval[],
): { readonly action: CatalogAction; readonly rule: RuleRef } | undefined {
  const [newest] = questions;
  const rule = newest?.rules[0];
  const action = newest === undefined ? undefined : findAction(policy, newest.operation);
  if (newest === undefined || rule === undefined || action === undefined) return undefined;
  return questions.every(({ operation }) => findAction(policy, operation) === action) ? { action, rule } : undefined;
}

function sampleOf({ agent, args }: Approval): Sample {
  return { agent, args };
}

/** Of values that not everybody sees in approvals; who holds no role sees none of them. */
function hiddenArguments(policy: Policy, action: CatalogAction): ReadonlySet<string> {
  return new Set(concealedFields(policy, action, { roles: [] }).keys());
}

interface Tried {
  /** In the order of the questions; undefined where what was asked is not known any more. */
  readonly verdicts: readonly (Verdict | undefined)[];
  readonly failingTests: readonly string[];
}

/** Undefined when the changed folder does not load. */
async function tryOut(
  ports: ProposalPorts,
  tenant: string,
  change: RuleChange,
  questions: readonly Approval[],
): Promise<Tried | undefined> {
  const before = ports.policy();
  const loaded = load(change.files, before);
  if (!loaded.ok) return undefined;
  const { policy } = loaded;
  const verdicts: (Verdict | undefined)[] = [];
  for (const { callId } of questions) {
    const request = await recordedRequest(ports.log, policy, tenant, callId);
    verdicts.push(request === undefined ? undefined : decide(policy, request).verdict);
  }
  const failed = new Set(runTests(before, ports.files(), ports.now()).failed.map(({ name }) => name));
  const failing = runTests(policy, change.files, ports.now()).failed.map(({ name }) => name);
  return { verdicts, failingTests: failing.filter((name) => !failed.has(name)) };
}

function placeOf({ file, line, how, yaml }: RuleChange): Pick<Proposal, "file" | "line" | "how" | "yaml"> {
  return { file, line, how, yaml };
}

function outcomeOf({ verdicts, failingTests }: Tried, spared: number): Pick<Proposal, "replayed" | "failingTests"> {
  const unknown = verdicts.filter((verdict) => verdict === undefined).length;
  return { replayed: { spared, still: verdicts.length - spared - unknown, unknown }, failingTests };
}
