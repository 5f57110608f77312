import type { Schema } from "../../api/client.ts";
import { cls } from "../../ui/classes.ts";
import { durationText, Time } from "../../ui/time.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { RuleLine } from "./rule-line.tsx";

type Step = Schema<"CallPath">["steps"][number];

/** By word and shape, and only then by colour. */
const STATES: Readonly<Record<Step["state"], { readonly shape: string; readonly word: string; readonly look: string }>> = {
  passed: { shape: "●", word: "passed", look: "text-allow" },
  stopped: { shape: "■", word: "stopped here", look: "text-deny font-semibold" },
  waiting: { shape: "▲", word: "waiting", look: "text-ask font-semibold" },
  running: { shape: "◆", word: "under way", look: "text-accent font-semibold" },
  unknown: { shape: "?", word: "unknown", look: "text-ask font-semibold" },
  skipped: { shape: "○", word: "nothing to do", look: "text-soft" },
  not_reached: { shape: "·", word: "not reached", look: "text-soft" },
};

/** The steps of a call's path, in the order and words of the code and the command line. */
export function CallPath({ steps }: { readonly steps: readonly Step[] }) {
  return (
    <ol className="grid gap-px" aria-label="Steps of the path">
      {steps.map((step, place) => (
        <StepLine key={step.step} step={step} after={sinceBegin(step, steps[0], place)} />
      ))}
    </ol>
  );
}

/** When the record of a step was written after that of the first; the first step says when that was. */
function sinceBegin({ at }: Step, first: Step | undefined, place: number): string | undefined {
  if (place === 0 || at === undefined || first?.at === undefined) return undefined;
  const ms = new Date(at).getTime() - new Date(first.at).getTime();
  return ms <= 0 ? undefined : `+${ms < 1_000 ? `${ms} ms` : durationText(ms)}`;
}

function StepLine({ step, after }: { readonly step: Step; readonly after: string | undefined }) {
  const { shape, word, look } = STATES[step.state];
  return (
    <li
      data-step={step.step}
      data-state={step.state}
      className="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2 border-t border-line py-1.5 first:border-0"
    >
      <span aria-hidden="true" className={look}>
        {shape}
      </span>
      <div className="min-w-0">
        <p className="flex flex-wrap items-baseline gap-x-2">
          <span className={cls("font-medium", step.state === "not_reached" && "text-soft")} title={step.does}>
            {step.step}
          </span>
          <span className={look}>{word}</span>
          <span className="ml-auto text-soft">{step.step === "authenticate" && step.at !== undefined ? <Time at={step.at} /> : after}</span>
        </p>
        {step.says === undefined ? undefined : (
          <p>
            <Text>{step.says}</Text>
          </p>
        )}
        {step.rules.length === 0 ? undefined : (
          <ul aria-label={`Rules that spoke at ${step.step}`} className="mt-0.5 grid gap-0.5">
            {step.rules.map((rule) => (
              <li key={`${rule.kind} ${rule.id} ${rule.at.line}`}>
                <RuleLine rule={rule} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </li>
  );
}
