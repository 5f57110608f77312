import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Approval } from "../../../api/approvals.ts";
import { answerOf, api } from "../../../api/client.ts";
import { Verdict } from "../../../ui/badge.tsx";
import { Diff } from "../../../ui/diff.tsx";
import { Select, TextArea, TextField } from "../../../ui/field.tsx";
import { ProblemNote } from "../../../ui/problem.tsx";
import { Tabs } from "../../../ui/tabs.tsx";
import { useSettled } from "../../../ui/use-settled.ts";
import { plain } from "../words.ts";
import { changesBetween } from "../changes-between.ts";
import { AnswerDialog, type AnswerDialogProps } from "./answer-dialog.tsx";
import { argsOf, type EditedArgument, fieldsOf, valueOf } from "./arguments.ts";
import { Signing } from "./signing.tsx";
import { useAnswer } from "./use-answer.ts";
import { Words } from "../../../ui/words.tsx";

const SETTLE_MS = 350;

/** Yes to this call with other arguments. What policy says of them is shown before anybody approves. */
export function EditDialog({ approval, onClose, onAnswered }: AnswerDialogProps) {
  const answering = useAnswer(approval, onAnswered);
  const [text, setText] = useState(() => JSON.stringify(approval.args, undefined, 2));
  const [tab, setTab] = useState("fields");
  const parsed = argsOf(text);
  const args = "args" in parsed ? parsed.args : undefined;
  const changes = args === undefined ? [] : changesBetween(approval.args, args);
  const settled = useSettled(text, SETTLE_MS);
  const tried = useTriedEdit(approval, settled);
  const judged = tried.data !== undefined && settled === text;
  const { toSign, working, error } = answering;
  return (
    <AnswerDialog
      title="Approve with other arguments"
      approval={approval}
      submit={toSign === undefined ? "Approve with these" : "Sign and approve"}
      look="allow"
      wide
      working={working}
      blocked={toSign === undefined && (args === undefined || changes.length === 0 || !judged || tried.data?.verdict === "deny")}
      error={error}
      onSubmit={() => (toSign === undefined ? answering.approve({ args }) : answering.sign())}
      onClose={onClose}
    >
      {toSign !== undefined ? (
        <Signing toSign={toSign} />
      ) : (
        <>
          <Tabs
            label="How the arguments are edited"
            value={tab}
            onChange={setTab}
            tabs={[
              {
                id: "fields",
                name: "Fields",
                content: (
                  <Fields
                    args={args ?? approval.args}
                    masked={approval.maskedArgs}
                    onChange={(next) => setText(JSON.stringify(next, undefined, 2))}
                  />
                ),
              },
              {
                id: "json",
                name: "JSON",
                content: (
                  <TextArea
                    label="Arguments as JSON"
                    rows={10}
                    spellCheck={false}
                    value={text}
                    hint={
                      approval.maskedArgs.length === 0
                        ? undefined
                        : `Leave masks as they stand, in ${approval.maskedArgs.map(plain).join(", ")}: they are sent as what they hide.`
                    }
                    error={"problem" in parsed ? parsed.problem : undefined}
                    onChange={(event) => setText(event.target.value)}
                  />
                ),
              },
            ]}
          />
          {changes.length === 0 ? (
            <p className="text-soft">Nothing is changed yet.</p>
          ) : (
            <>
              <Diff label="Arguments asked for, and those you would approve" changes={changes} />
              <Judgement tried={judged ? tried.data : undefined} error={tried.error} />
            </>
          )}
        </>
      )}
    </AnswerDialog>
  );
}

/** What policy says of arguments, once they rest. */
function useTriedEdit(approval: Approval, text: string) {
  const parsed = argsOf(text);
  const args = "args" in parsed ? parsed.args : undefined;
  const changed = args !== undefined && changesBetween(approval.args, args).length > 0;
  return useQuery({
    queryKey: ["approvals", "tried", approval.id, text],
    enabled: changed,
    queryFn: async () =>
      answerOf(api.POST("/api/v1/approvals/{id}/try-edit", { params: { path: { id: approval.id } }, body: { args: args ?? {} } })),
  });
}

function Judgement({ tried, error }: { readonly tried: ReturnType<typeof useTriedEdit>["data"]; readonly error: unknown }) {
  if (error !== null) return <ProblemNote error={error} />;
  return (
    <div role="status" className="grid gap-1">
      {tried === undefined ? (
        <p className="text-soft">Asking the policy…</p>
      ) : (
        <>
          <p>
            Policy says <Verdict of={tried.verdict} /> {tried.message === undefined ? undefined : <Words>{tried.message}</Words>}
          </p>
          {tried.diff.length === 0 ? undefined : <Diff label="Fields before and after, with these arguments" changes={tried.diff} />}
        </>
      )}
    </div>
  );
}

function Fields({
  args,
  masked,
  onChange,
}: {
  readonly args: Record<string, unknown>;
  /** Arguments that hold values this person may not see. They cannot say what else they should be. */
  readonly masked: readonly string[];
  readonly onChange: (args: Record<string, unknown>) => void;
}) {
  const [fields, setFields] = useState(() => fieldsOf(args));
  const set = (name: string, text: string): void => {
    const next = fields.map((field) => (field.name === name ? { ...field, text } : field));
    setFields(next);
    const values = next.map((field) => [field.name, valueOf(field)] as const);
    if (values.every(([, made]) => "value" in made)) {
      onChange(Object.fromEntries(values.map(([field, made]) => [field, "value" in made ? made.value : undefined])));
    }
  };
  const first = fields.findIndex(({ name }) => !masked.includes(name));
  return (
    <div className="grid gap-3">
      {fields.map((field, at) => (
        <ArgumentField
          key={field.name}
          field={field}
          locked={masked.includes(field.name)}
          first={at === first}
          onChange={(text) => set(field.name, text)}
        />
      ))}
    </div>
  );
}

function ArgumentField({
  field,
  locked,
  first,
  onChange,
}: {
  readonly field: EditedArgument;
  readonly locked: boolean;
  readonly first: boolean;
  readonly onChange: (text: string) => void;
}) {
  const made = valueOf(field);
  const error = "problem" in made ? made.problem : undefined;
  const common = { label: plain(field.name), value: field.text, error, "data-autofocus": first ? "" : undefined };
  if (locked)
    return (
      <TextArea
        {...common}
        readOnly
        rows={field.text.includes("\n") ? 4 : 1}
        hint="Masked: you may not see this value. It is sent as it is."
      />
    );
  if (field.kind === "boolean") {
    return (
      <Select {...common} onChange={(event) => onChange(event.target.value)}>
        <option>true</option>
        <option>false</option>
      </Select>
    );
  }
  if (field.kind === "json" || field.text.length > 80 || field.text.includes("\n"))
    return <TextArea {...common} spellCheck={false} rows={4} onChange={(event) => onChange(event.target.value)} />;
  return (
    <TextField {...common} inputMode={field.kind === "number" ? "decimal" : "text"} onChange={(event) => onChange(event.target.value)} />
  );
}
