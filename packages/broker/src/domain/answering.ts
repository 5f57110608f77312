import type { ApprovalTerms, ApproverGroup, PersonConfig } from "@bailiwick/policy";
import type { ApprovalAnswer } from "./approval.ts";
import type { Duty } from "./duty.ts";

/** A question to people, whatever it is about: a held call, an elevation. */
export interface Question {
  readonly approvers: readonly string[];
  readonly terms: ApprovalTerms;
  readonly answers: readonly ApprovalAnswer[];
  readonly createdAt: Date;
}

/** Whose roles a person answers in. */
export interface Standing {
  readonly roles: readonly string[];
  /** The person who is away, when the roles are theirs. */
  readonly onDutyFor?: string | undefined;
}

/** Roles that may answer now: those asked first, those of further groups, and after a time those it escalates to. */
export function rolesAsked(question: Question, now: Date): readonly string[] {
  return [...new Set(groupsOf(question, now).flatMap(({ by }) => by))];
}

/** When more people are asked than at first; undefined when never, or already. */
export function escalatesAt({ terms, createdAt }: Question, now: Date): Date | undefined {
  if (terms.escalate === undefined) return undefined;
  const at = new Date(createdAt.getTime() + terms.escalate.afterMs);
  return at > now ? at : undefined;
}

/**
 * In which roles this person may answer: their own, or those of somebody whose duty they do. `barred` are people who never may (the user the
 * call is made for, owners of the agents behind it); who is barred cannot be answered for by a deputy either.
 */
export function standingOf(
  question: Question,
  person: PersonConfig,
  about: {
    readonly duties: readonly Duty[];
    readonly people: readonly PersonConfig[];
    readonly barred: readonly string[];
    readonly now: Date;
  },
): Standing | undefined {
  const { duties, people, barred, now } = about;
  if (barred.includes(person.id)) return undefined;
  const asked = rolesAsked(question, now);
  const own = person.roles.filter((role) => asked.includes(role));
  if (own.length > 0) return { roles: own };
  for (const duty of duties) {
    if (duty.to !== person.id || barred.includes(duty.from) || duty.begins > now || duty.ends <= now || duty.revokedAt !== undefined)
      continue;
    const away = people.find(({ id }) => id === duty.from);
    // An auditor only reads, whatever else they hold.
    if (away === undefined || !away.tenants.includes(duty.tenant) || away.roles.includes("auditor")) continue;
    const lent = duty.roles.length === 0 ? away.roles : away.roles.filter((role) => duty.roles.includes(role));
    const roles = lent.filter((role) => asked.includes(role));
    if (roles.length > 0) return { roles, onDutyFor: duty.from };
  }
  return undefined;
}

/** How far a question is decided. */
export interface Tally {
  readonly complete: boolean;
  /** Each group with the people who count for it. */
  readonly groups: readonly (ApproverGroup & { readonly yes: readonly string[] })[];
}

/**
 * Counts yeses. They count together only while they are to the same thing: a yes to other arguments or bounds than the last one was given for is void.
 * Each person counts for one group, and people are given to groups so that as many places as possible are filled. Nobody counts twice, neither
 * by a second answer nor as somebody's deputy.
 */
export function tally(question: Question, now: Date): Tally {
  const yeses = countingYeses(question.answers);
  const groups = groupsOf(question, now);
  const places = groups.flatMap(({ count }, group) => Array.from({ length: count }, () => group));
  const filled = fillPlaces(places, groups, yeses);
  return {
    complete: filled.every((yes) => yes !== undefined),
    groups: groups.map(({ by, count }, group) => ({
      by,
      count,
      yes: filled.flatMap((yes, place) => (places[place] === group && yes !== undefined ? [yes.by] : [])),
    })),
  };
}

function groupsOf({ approvers, terms, createdAt }: Question, now: Date): readonly ApproverGroup[] {
  const { escalate } = terms;
  const escalated = escalate !== undefined && createdAt.getTime() + escalate.afterMs <= now.getTime() ? escalate.to : [];
  return [{ by: [...new Set([...approvers, ...escalated])], count: terms.count }, ...terms.also];
}

/** Yeses that count together: those to the same arguments and bounds as the last one, each person once. */
export function countingYeses(answers: readonly ApprovalAnswer[]): readonly ApprovalAnswer[] {
  const last = answers.at(-1);
  if (last?.verdict !== "approve") return [];
  const seen = new Set<string>();
  return answers.filter((answer) => {
    // Somebody who is away and their deputy are one voice.
    const voice = answer.onDutyFor ?? answer.by;
    if (answer.verdict !== "approve" || subjectOf(answer) !== subjectOf(last) || seen.has(voice) || seen.has(answer.by)) return false;
    seen.add(voice);
    seen.add(answer.by);
    return true;
  });
}

/** What an answer is a yes to, beside the question itself. */
function subjectOf({ argsDigest, bounds }: ApprovalAnswer): string {
  return JSON.stringify([
    argsDigest ?? null,
    bounds === undefined ? null : [bounds.uses, bounds.until.toISOString(), bounds.within, bounds.args],
  ]);
}

/** Maximum bipartite matching by augmenting paths (Kuhn); there are a handful of places. */
function fillPlaces(
  places: readonly number[],
  groups: readonly ApproverGroup[],
  yeses: readonly ApprovalAnswer[],
): readonly (ApprovalAnswer | undefined)[] {
  const filled: (ApprovalAnswer | undefined)[] = places.map(() => undefined);
  const seat = (yes: ApprovalAnswer, tried: Set<number>): boolean => {
    for (const [place, group] of places.entries()) {
      if (tried.has(place) || groups[group]?.by.some((role) => yes.roles.includes(role)) !== true) continue;
      tried.add(place);
      const sitting = filled[place];
      if (sitting === undefined || seat(sitting, tried)) {
        filled[place] = yes;
        return true;
      }
    }
    return false;
  };
  for (const yes of yeses) seat(yes, new Set());
  return filled;
}
