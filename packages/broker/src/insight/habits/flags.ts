import { type Habits, QUICK_MS, type QuestionFigures } from "../../domain/habits.ts";

/** Something about how people answer that somebody should look at. */
export interface HabitFlag {
  readonly kind: "always_yes" | "often_no" | "unanswered" | "quick" | "repeated" | "drill_approved" | "drills_missed";
  readonly rule?: string | undefined;
  readonly person?: string | undefined;
  readonly agent?: string | undefined;
  /** One sentence. */
  readonly words: string;
}

/** Answers from which "always" means something. */
export const ALWAYS_FROM = 20;
/** Answers from which a share means something. */
const SHARE_FROM = 10;
/** Noes from which "often" means something. */
export const OFTEN_FROM = 5;
const HALF = 0.5;
const MOSTLY = 0.8;

type About = Pick<HabitFlag, "rule" | "person" | "agent">;

/** What the figures say in words. Pure. */
export function habitFlags(habits: Habits, days: number): readonly HabitFlag[] {
  const missed: readonly HabitFlag[] =
    habits.drillsMissed === 0
      ? []
      : [{ kind: "drills_missed", words: `nobody answered ${count(habits.drillsMissed, "drill")} in time in ${days} days` }];
  return [
    ...habits.rules.flatMap((figures) => flagsOf({ rule: figures.rule }, figures, days)),
    ...habits.approvers.flatMap((figures) => [
      ...flagsOf({ person: figures.person }, figures, days),
      ...drillFlags(figures.person, figures.drills),
    ]),
    ...habits.pairs.flatMap(({ rule, person, answered, quick, medianMs }): readonly HabitFlag[] =>
      answered < SHARE_FROM || quick / answered < HALF
        ? []
        : [
            {
              kind: "quick",
              rule,
              person,
              words: `\`${person}\` decides what \`${rule}\` asks in less than ${seconds(QUICK_MS)}: ${quick} of ${answered}, median ${seconds(medianMs)}`,
            },
          ],
    ),
    ...habits.agents.flatMap((figures) => noAnswers({ agent: figures.agent }, figures, days)),
    ...missed,
  ];
}

function flagsOf(about: About, figures: QuestionFigures, days: number): readonly HabitFlag[] {
  const { asked, approved, denied, quick, repeated, medianMs } = figures;
  const decided = approved + denied;
  const flags: HabitFlag[] = [];
  const median = medianMs === undefined ? "" : `, median ${seconds(medianMs)}`;
  const who = about.person === undefined ? "people always say yes" : `\`${about.person}\` always says yes`;
  if (decided >= ALWAYS_FROM && denied === 0)
    flags.push({ ...about, kind: "always_yes", words: `${who}: ${approved} of ${decided} in ${days} days${median}` });
  if (about.person !== undefined) return flags;
  if (denied >= OFTEN_FROM && denied / decided >= HALF)
    flags.push({ ...about, kind: "often_no", words: `people often say no: ${denied} of ${decided} in ${days} days` });
  if (decided >= SHARE_FROM && quick / decided >= HALF)
    flags.push({ ...about, kind: "quick", words: `decided in less than ${seconds(QUICK_MS)}: ${quick} of ${decided}${median}` });
  if (asked >= ALWAYS_FROM && repeated / asked >= MOSTLY)
    flags.push({ ...about, kind: "repeated", words: `the same question again and again: ${repeated} of ${asked} had a shape seen before` });
  return [...flags, ...noAnswers(about, figures, days)];
}

function noAnswers(about: About, { asked, expired }: QuestionFigures, days: number): readonly HabitFlag[] {
  if (asked < SHARE_FROM || expired / asked < HALF) return [];
  return [{ ...about, kind: "unanswered", words: `nobody answered ${expired} of ${asked} in ${days} days` }];
}

function drillFlags(person: string, { approved, denied }: Habits["approvers"][number]["drills"]): readonly HabitFlag[] {
  if (approved === 0) return [];
  return [{ kind: "drill_approved", person, words: `\`${person}\` said yes to ${approved} of ${count(approved + denied, "drill")}` }];
}

function count(much: number, what: string): string {
  return `${much} ${what}${much === 1 ? "" : "s"}`;
}

function seconds(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1).replace(/\.0$/u, "")} s`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
