import type { ReactNode } from "react";
import type { Approval } from "../../../api/approvals.ts";
import { AppLink } from "../../../ui/app-link.tsx";
import { Badge } from "../../../ui/badge.tsx";
import { Code } from "../../../ui/code.tsx";
import { Diff, Masked, valueText } from "../../../ui/diff.tsx";
import { Pairs } from "../../../ui/pairs.tsx";
import { Text, Untrusted } from "../../../ui/untrusted.tsx";
import { Answers } from "../answer/answers.tsx";
import { Place } from "../../policy/rules.tsx";
import { nameInPath } from "../../agents/agent-name.ts";
import { stakesTone, staleText } from "../words.ts";
import { Changed } from "./changed.tsx";
import { Outcome } from "./outcome.tsx";
import { Quorum } from "./quorum.tsx";
import { EarlierCalls } from "./earlier-calls.tsx";
import { Similar } from "./similar.tsx";
import { Words } from "../../../ui/words.tsx";

/**
 * One held call with what it takes to decide it, in the order in which a person asks: what, what changes, why, how much is at stake, where it
 * came from, what happened before; then the answers. `latest` is what is asked by now, when it is not what is shown.
 */
export function Card({
  approval,
  latest,
  onSeen,
  onAnswered,
}: {
  readonly approval: Approval;
  readonly latest: Approval;
  readonly onSeen: () => void;
  readonly onAnswered: (approval: Approval) => void;
}) {
  const titleId = `card-${approval.id}`;
  const changed = latest.showing !== approval.showing;
  return (
    <article aria-labelledby={titleId} data-card={approval.id} className="mx-auto grid max-w-4xl gap-4">
      <header className="grid gap-1">
        <h2 id={titleId} className="text-base">
          <Words>{approval.sentence}</Words>
        </h2>
        <p className="flex flex-wrap items-center gap-2">
          <Badge tone={approval.reversible ? "plain" : "deny"}>{approval.reversible ? "can be undone" : "cannot be undone"}</Badge>
          <span className="text-soft">
            <Words>{approval.undo}</Words>
          </span>
        </p>
        <p className="text-soft">
          fingerprint, the same in messages about it: <Code>{approval.check}</Code>
        </p>
      </header>
      {changed ? <Changed seen={approval} latest={latest} onSeen={onSeen} /> : undefined}
      {latest.state === "pending" ? (
        <Answers approval={approval} blocked={changed} describedBy={titleId} onAnswered={onAnswered} />
      ) : (
        <Outcome approval={latest} />
      )}
      <Section title="What changes">
        <Changes approval={approval} />
      </Section>
      {approval.supersedes === undefined ? undefined : <Supersedes approval={approval} of={approval.supersedes} />}
      <Section title="Why">
        {approval.statedReason === undefined ? (
          <p className="text-soft">The agent gave no reason.</p>
        ) : (
          <Untrusted label="The agent says">{approval.statedReason}</Untrusted>
        )}
        <HeldBy approval={approval} />
      </Section>
      <Section title="At stake">
        <Stakes approval={approval} />
      </Section>
      {approval.origins.length === 0 ? undefined : (
        <Section title="Where its values come from">
          <Origins approval={approval} />
        </Section>
      )}
      <Section title="Who has to say yes">
        <Quorum approval={latest} />
      </Section>
      <Section title="Questions like this one">
        <Similar id={approval.id} />
      </Section>
      <Section title="Earlier in this run">
        <EarlierCalls approval={approval} />
      </Section>
      <Section title="About this call">
        <About approval={approval} />
      </Section>
    </article>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="grid gap-1.5">
      <h3 className="text-soft">{title}</h3>
      {children}
    </section>
  );
}

function Changes({ approval }: { readonly approval: Approval }) {
  const named = Object.entries(approval.args);
  return (
    <>
      {approval.diff.length === 0 ? undefined : <Diff label="Fields before and after" changes={approval.diff} />}
      {approval.diff.length === 0 && named.length === 0 ? <p className="text-soft">It has no arguments.</p> : undefined}
      {named.length === 0 ? undefined : (
        <details open={approval.diff.length === 0}>
          <summary className="text-soft">Arguments, as they would be sent</summary>
          <Pairs
            of={named.map(([name, value]) => [
              name,
              <span key={name}>
                <Code>{valueText(value)}</Code> {approval.maskedArgs.includes(name) ? <Masked /> : undefined}
              </span>,
            ])}
          />
        </details>
      )}
    </>
  );
}

function Supersedes({ approval, of }: { readonly approval: Approval; readonly of: NonNullable<Approval["supersedes"]> }) {
  return (
    <section className="grid gap-1.5 rounded border-l-4 border-ask bg-card px-3 py-2">
      <h3>Asked again: {staleText(of.because)}</h3>
      <p>
        <AppLink href={`/approvals/${encodeURIComponent(of.id)}`}>The question before</AppLink> no longer holds.
      </p>
      {of.changes.length === 0 ? undefined : (
        <Diff label={`What is different from the question before ${approval.id}`} changes={of.changes} />
      )}
    </section>
  );
}

function HeldBy({ approval }: { readonly approval: Approval }) {
  return (
    <div>
      <p>Held for a person by:</p>
      <ul className="grid gap-1 pl-4">
        {approval.rules.map((rule) => (
          <li key={`${rule.kind} ${rule.id}`} className="list-disc">
            {rule.kind} <Code>{rule.id}</Code> at <Place at={rule.at} />
            {rule.reason === "" ? undefined : (
              <>
                : <Text>{rule.reason}</Text>
              </>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Stakes({ approval: { stakes, reach } }: { readonly approval: Approval }) {
  return (
    <>
      <p>
        <Badge tone={stakesTone(stakes.level)}>{stakes.level} stakes</Badge> reaches {reach.records}{" "}
        {reach.records === 1 ? "record" : "records"}
        {reach.cost === undefined ? "" : `, costs ${reach.cost}`}
      </p>
      {stakes.because.length === 0 ? undefined : (
        <ul className="list-disc pl-4">
          {stakes.because.map((point) => (
            <li key={point}>
              <Words>{point}</Words>
            </li>
          ))}
        </ul>
      )}
      {reach.destinations.length === 0 ? undefined : (
        <ul className="grid gap-1">
          {reach.destinations.map(({ argument, value, external }) => (
            <li key={`${argument} ${value}`}>
              goes to <Code>{value}</Code> (<Text>{argument}</Text>){" "}
              {external ? <Badge tone="ask">outside the company</Badge> : <Badge>inside the company</Badge>}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Origins({ approval }: { readonly approval: Approval }) {
  return (
    <ul className="grid gap-1">
      {approval.origins.map(({ argument, words, untrusted, callId, from }) => (
        <li key={argument}>
          <Code>{argument}</Code>: <Words>{words}</Words>{" "}
          {untrusted === true ? (
            <Badge tone="deny">untrusted</Badge>
          ) : from === "agent" ? (
            <Badge tone="ask">from the agent</Badge>
          ) : undefined}{" "}
          {callId === undefined ? undefined : <AppLink href={`/calls/${encodeURIComponent(callId)}`}>that call</AppLink>}
        </li>
      ))}
    </ul>
  );
}

function About({ approval }: { readonly approval: Approval }) {
  const { callId, operation, agent, user, tenant, environment, task, run, session, policyVersion, fingerprint, argsDigest } = approval;
  return (
    <Pairs
      of={[
        ["operation", <Code key="operation">{`${operation.tool}.${operation.name}`}</Code>],
        [
          "agent",
          <AppLink key="agent" href={`/agents/${encodeURIComponent(nameInPath(agent))}`}>
            <Code>{agent}</Code>
          </AppLink>,
        ],
        ["for user", <Text key="user">{user}</Text>],
        ["where", `${tenant}/${environment}`],
        ["task", <Text key="task">{task}</Text>],
        [
          "call",
          <AppLink key="call" href={`/calls/${encodeURIComponent(callId)}`}>
            <Code>{callId}</Code>
          </AppLink>,
        ],
        [
          "run",
          <AppLink key="run" href={`/runs/${encodeURIComponent(run)}`}>
            <Code>{run}</Code>
          </AppLink>,
        ],
        ["session", <Code key="session">{session}</Code>],
        ["policy", <Code key="policy">{policyVersion}</Code>],
        ["tool fingerprint", <Code key="fingerprint">{fingerprint}</Code>],
        ["arguments", <Code key="digest">{argsDigest}</Code>],
      ]}
    />
  );
}
