import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { Button } from "../../ui/button.tsx";
import { Select } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { fieldsOf, type FormField, read } from "./form-model.ts";
import type { Catalog } from "./policy-queries.ts";
import { Fields } from "./try-fields.tsx";

/** What is always asked for beside the arguments. */
const SESSION: readonly FormField[] = [
  { name: "user", optional: true, kind: "text", says: "for whom the agent works" },
  { name: "task", optional: true, kind: "text", says: "the task of the session" },
  { name: "data", optional: true, kind: "json", says: "what the session says about itself, as a JSON object" },
  { name: "at", optional: true, kind: "text", says: "when, as in 2026-11-23T10:00:00Z; empty: now" },
];

type Texts = Readonly<Record<string, string>>;
type Part = "args" | "record" | "session";
type Parts = Readonly<Record<Part, Texts>>;
const NOTHING: Parts = { args: {}, record: {}, session: {} };

export interface TryFactsProps {
  readonly agent: Catalog["agents"][number];
  readonly action: Catalog["actions"][number];
  readonly onDecided: (verdict: Schema<"TriedCall">) => void;
}

/** The facts of a thought-up call, in fields made from the catalog's types. */
export function TryFacts({ agent, action, onDecided }: TryFactsProps) {
  const fields = {
    args: fieldsOf(action.args).filter(({ name }) => !action.force.includes(name)),
    record: fieldsOf(action.record?.fields ?? {}),
    session: SESSION,
  };
  const [typed, setTyped] = useState(NOTHING);
  const [errors, setErrors] = useState(NOTHING);
  const [elevated, setElevated] = useState("");
  const attempt = useAttempt(agent.name, action.action, onDecided);
  const submit = (): void => {
    const [args, record, session] = [read(fields.args, typed.args), read(fields.record, typed.record), read(fields.session, typed.session)];
    setErrors({ args: args.errors, record: record.errors, session: session.errors });
    if ([args, record, session].some((each) => Object.keys(each.errors).length > 0)) return;
    const hasRecord = Object.keys(record.values).length > 0;
    attempt.mutate({
      ...session.values,
      args: args.values,
      ...(hasRecord ? { record: record.values } : {}),
      ...(elevated === "" ? {} : { elevated }),
    });
  };
  const part = (name: Part) => ({
    of: fields[name],
    typed: typed[name],
    errors: errors[name],
    onType: (texts: Texts) => setTyped({ ...typed, [name]: texts }),
  });
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Fields title="Arguments" {...part("args")} />
      {action.record === undefined ? undefined : (
        <Fields
          title={`Record: ${action.record.type}`}
          hint="Left empty, the verdict is for any record within the rows."
          {...part("record")}
          folded
        />
      )}
      <Fields title="Session" {...part("session")} folded />
      {agent.eligible.length === 0 ? undefined : <Elevated roles={agent.eligible} value={elevated} onChange={setElevated} />}
      <p className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="main" disabled={attempt.isPending}>
          Decide
        </Button>
        <span className="text-soft">nothing is recorded, no tool is asked</span>
      </p>
      <ProblemNote error={attempt.error} />
    </form>
  );
}

function useAttempt(agent: string, action: string, onDecided: TryFactsProps["onDecided"]) {
  return useMutation({
    mutationFn: async (facts: Readonly<Record<string, unknown>>) =>
      answerOf(api.POST("/api/v1/policy/try", { body: { agent, action, ...facts } })),
    onSuccess: onDecided,
  });
}

function Elevated(props: { readonly roles: readonly string[]; readonly value: string; readonly onChange: (role: string) => void }) {
  const { roles, value, onChange } = props;
  return (
    <Select label="As if it had been given" value={value} onChange={({ target }) => onChange(target.value)}>
      <option value="">no right for a time</option>
      {roles.map((role) => (
        <option key={role} value={role}>
          {role}
        </option>
      ))}
    </Select>
  );
}
