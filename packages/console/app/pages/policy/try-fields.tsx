import { Select, TextArea, TextField } from "../../ui/field.tsx";
import type { FormField } from "./form-model.ts";

type Texts = Readonly<Record<string, string>>;

export interface FieldsProps {
  readonly title: string;
  readonly hint?: string;
  readonly of: readonly FormField[];
  readonly typed: Texts;
  readonly errors: Texts;
  readonly onType: (texts: Texts) => void;
  /** Shut until it is opened: for what is rarely needed. */
  readonly folded?: boolean;
}

/** Fields by the types of the catalog. */
export function Fields({ title, hint, of, typed, errors, onType, folded = false }: FieldsProps) {
  const set = (name: string) => (text: string) => onType({ ...typed, [name]: text });
  const fields = (
    <div className="grid gap-2">
      {hint === undefined ? undefined : <p className="text-soft">{hint}</p>}
      {of.length === 0 ? <p className="text-soft">none</p> : undefined}
      {of.map((field) => (
        <One key={field.name} of={field} value={typed[field.name] ?? ""} error={errors[field.name]} onType={set(field.name)} />
      ))}
    </div>
  );
  if (folded)
    return (
      <details open={Object.keys(errors).length > 0 ? true : undefined} className="rounded border border-line bg-card px-3 py-2">
        <summary className="font-semibold">{title}</summary>
        <div className="mt-2">{fields}</div>
      </details>
    );
  return (
    <fieldset className="rounded border border-line bg-card px-3 py-2">
      <legend className="px-1 font-semibold">{title}</legend>
      {fields}
    </fieldset>
  );
}

function One(props: {
  readonly of: FormField;
  readonly value: string;
  readonly error: string | undefined;
  readonly onType: (text: string) => void;
}) {
  const { of, value, error, onType } = props;
  const label = of.optional ? `${of.name} (may be left out)` : of.name;
  const shared = { label, hint: of.says, error };
  switch (of.kind) {
    case "boolean":
      return (
        <Select {...shared} value={value} onChange={({ target }) => onType(target.value)}>
          <option value="">not given</option>
          <option value="true">yes</option>
          <option value="false">no</option>
        </Select>
      );
    case "json":
      return <TextArea {...shared} value={value} onChange={({ target }) => onType(target.value)} rows={2} spellCheck={false} />;
    case "text":
      return <TextField {...shared} value={value} onChange={({ target }) => onType(target.value)} />;
    case "integer":
    case "decimal":
      return <TextField {...shared} inputMode="decimal" value={value} onChange={({ target }) => onType(target.value)} />;
  }
}
