import { type InputHTMLAttributes, type ReactNode, type Ref, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from "react";
import { cls } from "./classes.ts";

const CONTROL = "w-full rounded border border-edge bg-card px-2 py-1 text-ink aria-invalid:border-deny";

interface Around {
  readonly label: string;
  /** Said below the field before anything is typed. */
  readonly hint?: ReactNode;
  /** What is wrong with the value, and what to do. */
  readonly error?: string | undefined;
}

/** A field with its label, hint and error, tied together for those who hear the page. `children` gets the attributes of the control. */
function Field({
  label,
  hint,
  error,
  className,
  children,
}: Around & {
  readonly className?: string | undefined;
  readonly children: (attributes: { id: string; "aria-describedby": string | undefined; "aria-invalid": true | undefined }) => ReactNode;
}) {
  const id = useId();
  const hintId = `${id}-hint`;
  const errorId = `${id}-error`;
  const described = [hint === undefined ? "" : hintId, error === undefined ? "" : errorId].filter((part) => part !== "").join(" ");
  return (
    <div className={cls("grid content-start gap-1", className)}>
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({
        id,
        "aria-describedby": described === "" ? undefined : described,
        "aria-invalid": error === undefined ? undefined : true,
      })}
      {hint === undefined ? undefined : (
        <p id={hintId} className="text-soft">
          {hint}
        </p>
      )}
      {error === undefined ? undefined : (
        <p id={errorId} role="alert" className="text-deny">
          {error}
        </p>
      )}
    </div>
  );
}

export function TextField({
  label,
  hint,
  error,
  className,
  ...rest
}: Around & InputHTMLAttributes<HTMLInputElement> & { readonly ref?: Ref<HTMLInputElement> }) {
  return (
    <Field label={label} hint={hint} error={error} className={className}>
      {(attributes) => <input type="text" autoComplete="off" {...rest} {...attributes} className={CONTROL} />}
    </Field>
  );
}

export function TextArea({
  label,
  hint,
  error,
  className,
  ...rest
}: Around & TextareaHTMLAttributes<HTMLTextAreaElement> & { readonly ref?: Ref<HTMLTextAreaElement> }) {
  return (
    <Field label={label} hint={hint} error={error} className={className}>
      {(attributes) => <textarea rows={3} {...rest} {...attributes} className={CONTROL} />}
    </Field>
  );
}

export function Select({
  label,
  hint,
  error,
  className,
  children,
  ...rest
}: Around & SelectHTMLAttributes<HTMLSelectElement> & { readonly ref?: Ref<HTMLSelectElement> }) {
  return (
    <Field label={label} hint={hint} error={error} className={className}>
      {(attributes) => (
        <select {...rest} {...attributes} className={CONTROL}>
          {children}
        </select>
      )}
    </Field>
  );
}
