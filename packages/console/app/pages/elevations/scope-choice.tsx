import type { ReactNode } from "react";
import { Text } from "../../ui/untrusted.tsx";

/** Which scopes. None chosen means what `none` says. */
export function ScopeChoice(props: {
  readonly of: readonly string[];
  readonly chosen: readonly string[];
  readonly none: string;
  readonly onChange: (scopes: readonly string[]) => void;
}): ReactNode {
  const { of, chosen, none, onChange } = props;
  if (of.length === 0) return undefined;
  return (
    <fieldset className="grid gap-1">
      <legend className="font-medium">Scopes</legend>
      {of.map((scope) => (
        <label key={scope} className="flex min-h-6 items-center gap-2">
          <input
            type="checkbox"
            checked={chosen.includes(scope)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, scope] : chosen.filter((each) => each !== scope))}
          />
          <Text className="font-mono">{scope}</Text>
        </label>
      ))}
      <p className="text-soft">{none}</p>
    </fieldset>
  );
}
