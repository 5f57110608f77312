import { useState } from "react";
import { type Control, useForm, type UseFormRegister, useWatch } from "react-hook-form";
import { brokerNow } from "../../../api/clock.ts";
import { Select, TextArea, TextField } from "../../../ui/field.tsx";
import { durationText } from "../../../ui/time.tsx";
import { Text } from "../../../ui/untrusted.tsx";
import { valueText } from "../../../ui/diff.tsx";
import { plain } from "../words.ts";
import { AnswerDialog, type AnswerDialogProps } from "./answer-dialog.tsx";
import { type BoundsForm, boundsOf, boundsText, narrowest, spansUpTo } from "./bounds.ts";
import { Signing } from "./signing.tsx";
import { useAnswer } from "./use-answer.ts";

/** Yes to several calls like this one: how many, until when, where, and with which arguments. It begins with the narrowest that is of use. */
export function BoundedDialog({ approval, onClose, onAnswered }: AnswerDialogProps) {
  const answering = useAnswer(approval, onAnswered);
  const { register, control, getValues } = useForm<BoundsForm>({ defaultValues: narrowest(approval) });
  const form = useWatch({ control, compute: asForm });
  const [problem, setProblem] = useState<string | undefined>();
  const { toSign, working, error } = answering;
  const most = approval.bounded ?? { uses: 1, forMs: 0 };
  const submit = (): void => {
    const made = boundsOf(asForm(getValues()), approval.args, brokerNow());
    setProblem("problem" in made ? made.problem : undefined);
    if ("bounds" in made) answering.approve({ bounds: made.bounds });
  };
  return (
    <AnswerDialog
      title="Approve several calls like this one"
      approval={approval}
      submit={toSign === undefined ? "Approve within these bounds" : "Sign and approve"}
      look="allow"
      wide
      working={working}
      error={error ?? (problem === undefined ? undefined : new Error(problem))}
      onSubmit={() => (toSign === undefined ? submit() : answering.sign())}
      onClose={onClose}
    >
      {toSign !== undefined ? (
        <Signing toSign={toSign} />
      ) : (
        <>
          <div className="grid gap-3 sm:grid-cols-3">
            <TextField
              label="Calls at most"
              hint={`1 to ${most.uses}`}
              type="number"
              min={1}
              max={most.uses}
              required
              data-autofocus=""
              {...register("uses", { valueAsNumber: true })}
            />
            <Select label="For" {...register("forMs", { valueAsNumber: true })}>
              {spansUpTo(most.forMs).map((span) => (
                <option key={span} value={span}>
                  {durationText(span)}
                </option>
              ))}
            </Select>
            <Select label="Where" {...register("within")}>
              <option value="session">this session</option>
              <option value="task">this task</option>
            </Select>
          </div>
          {Object.entries(approval.args).map(([name, value], at) => (
            <ArgumentBound
              key={name}
              name={name}
              value={value}
              masked={approval.maskedArgs.includes(name)}
              at={at}
              register={register}
              control={control}
            />
          ))}
          <p role="status" className="rounded bg-raised px-3 py-2">
            <Text>{boundsText(form, approval.args)}</Text>
          </p>
        </>
      )}
    </AnswerDialog>
  );
}

function ArgumentBound({
  name,
  value,
  masked,
  at,
  register,
  control,
}: {
  readonly name: string;
  readonly value: unknown;
  /** It holds what this person may not see, so that they cannot say what else it may be, only that it stays or does not matter. */
  readonly masked: boolean;
  readonly at: number;
  readonly register: UseFormRegister<BoundsForm>;
  readonly control: Control<BoundsForm>;
}) {
  const how = useWatch({ control, name: `args.${at}.how` });
  return (
    <fieldset className="grid gap-2 border-t border-line pt-2 sm:grid-cols-3">
      <legend className="sr-only">{plain(name)}</legend>
      <Select label={plain(name)} {...register(`args.${at}.how`)}>
        <option value="same">exactly {plain(valueText(value)).slice(0, 60)}</option>
        {typeof value === "number" && !masked ? <option value="range">a range</option> : undefined}
        {masked ? undefined : <option value="in">one of a list</option>}
        <option value="any">any value</option>
      </Select>
      {how === "range" ? (
        <>
          <TextField label="From" inputMode="decimal" {...register(`args.${at}.min`)} />
          <TextField label="To" inputMode="decimal" {...register(`args.${at}.max`)} />
        </>
      ) : undefined}
      {how === "in" ? <TextArea className="sm:col-span-2" label="Values, one a line" {...register(`args.${at}.list`)} /> : undefined}
    </fieldset>
  );
}

function asForm(values: BoundsForm): BoundsForm {
  return values;
}
