import { type FormEvent, type Ref, useRef } from "react";
import { Button } from "../../ui/button.tsx";
import { Select, TextField } from "../../ui/field.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { CALL_FILTER, type CallFilter, FILTER_WORDS, filterOf, type FilterName, STATUSES, VERDICTS, WITHIN } from "./filter.ts";

/** Those seen at once; the others are behind a word. */
const FIRST: readonly FilterName[] = ["agent", "action", "status", "verdict", "since"];
const EXAMPLES: Readonly<Partial<Record<FilterName, string>>> = {
  agent: "bailiwick://acme/prod/support/bot",
  action: "tickets:update",
  resource: "Ticket/T-17",
  from: "2026-11-01T00:00:00Z",
  to: "2026-11-02T00:00:00Z",
};

/** Conditions on calls. Nothing is asked until the form is sent: each question about the log is a record in it. */
export function CallFilters(props: {
  readonly filter: CallFilter;
  readonly onChange: (filter: CallFilter) => void;
  readonly first?: Ref<HTMLInputElement>;
}) {
  const { filter, onChange, first } = props;
  const form = useRef<HTMLFormElement>(null);
  const send = (event: FormEvent): void => {
    event.preventDefault();
    if (form.current !== null) onChange(filterOf(Object.fromEntries(new FormData(form.current))));
  };
  const rest = CALL_FILTER.filter((name) => !FIRST.includes(name));
  return (
    // Made anew when the address changes, so that the fields say what is asked for.
    <form ref={form} key={JSON.stringify(filter)} onSubmit={send} aria-label="Filter of calls" className="mb-3 grid gap-2">
      <div className="grid grid-cols-[repeat(auto-fill,minmax(8rem,1fr))] items-end gap-2">
        {FIRST.map((name) => (
          <Condition key={name} name={name} value={filter[name]} {...(name === "agent" && first !== undefined ? { first } : {})} />
        ))}
        <Button type="submit" look="main">
          Find
        </Button>
      </div>
      <details open={rest.some((name) => filter[name] !== undefined)}>
        <summary className="min-h-6 text-soft">More conditions</summary>
        <div className="mt-2 grid grid-cols-[repeat(auto-fill,minmax(8rem,1fr))] gap-2">
          {rest.map((name) => (
            <Condition key={name} name={name} value={filter[name]} />
          ))}
        </div>
      </details>
      <Given filter={filter} onChange={onChange} />
    </form>
  );
}

function Condition({
  name,
  value,
  first,
}: {
  readonly name: FilterName;
  readonly value: string | undefined;
  readonly first?: Ref<HTMLInputElement>;
}) {
  const label = FILTER_WORDS[name];
  switch (name) {
    case "status":
      return <Choice name={name} label={label} value={value} of={STATUSES.map((status) => [status, status.replaceAll("_", " ")])} />;
    case "verdict":
      return <Choice name={name} label={label} value={value} of={VERDICTS.map((verdict) => [verdict, verdict])} />;
    case "since":
      return <Choice name={name} label={label} value={value} of={WITHIN} />;
    case "agent":
    case "user":
    case "action":
    case "code":
    case "rule":
    case "resource":
    case "tool":
    case "task":
    case "run":
    case "session":
    case "approver":
    case "from":
    case "to":
      return (
        <TextField
          name={name}
          label={label}
          defaultValue={value ?? ""}
          placeholder={EXAMPLES[name]}
          spellCheck={false}
          {...(first === undefined ? {} : { ref: first })}
        />
      );
  }
}

function Choice(props: {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
  readonly of: readonly (readonly [value: string, words: string])[];
}) {
  const { name, label, value = "", of } = props;
  // A value of the address that is not offered is kept, so that sending the form does not change it.
  const offered = value === "" || of.some(([known]) => known === value) ? of : [...of, [value, value] as const];
  return (
    <Select name={name} label={label} defaultValue={value}>
      <option value="">any</option>
      {offered.map(([known, words]) => (
        <option key={known} value={known}>
          {words}
        </option>
      ))}
    </Select>
  );
}

/** What is asked for, each with a button that takes it away. */
function Given({ filter, onChange }: { readonly filter: CallFilter; readonly onChange: (filter: CallFilter) => void }) {
  const given = CALL_FILTER.flatMap((name) => (filter[name] === undefined ? [] : [[name, filter[name]] as const]));
  if (given.length === 0) return undefined;
  return (
    <ul aria-label="Conditions" className="flex flex-wrap gap-1.5">
      {given.map(([name, value]) => (
        <li key={name} className="flex items-center rounded border border-line bg-raised pl-2">
          <span>
            {FILTER_WORDS[name]} <Text className="font-medium">{value}</Text>
          </span>
          <Button look="quiet" aria-label={`Without ${FILTER_WORDS[name]}`} onClick={() => onChange({ ...filter, [name]: undefined })}>
            <span aria-hidden="true">✕</span>
          </Button>
        </li>
      ))}
    </ul>
  );
}
