import { valueText } from "./diff.tsx";
import { Text } from "./untrusted.tsx";

/** One field in three states. A member is absent where the field was, or where the state is not known. */
export interface ThreeWayChange {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly now?: unknown;
  readonly conflict: boolean;
}

/** Fields before a call, as it left them, and now. A conflict is said in words, not only by colour. */
export function ThreeWay({ changes, label }: { readonly changes: readonly ThreeWayChange[]; readonly label: string }) {
  const looked = changes.some(({ now }) => now !== undefined);
  const heads = ["field", "before the call", "as it left it", ...(looked ? ["now"] : [])];
  return (
    <div className="@container overflow-x-auto">
      <table className="stacking w-full border-collapse" aria-label={label}>
        <thead>
          <tr className="text-left text-soft">
            {heads.map((head) => (
              <th key={head} scope="col" className="py-0.5 pr-3 font-normal">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {changes.map(({ path, before, after, now, conflict }) => (
            <tr key={path} data-conflict={conflict} className="border-t border-line align-top">
              <td className="py-1 pr-3" data-label="field">
                <Text className="font-medium">{path}</Text>
              </td>
              <td className="py-1 pr-3" data-label="before the call">
                <Text>{valueText(before)}</Text>
              </td>
              <td className="py-1 pr-3" data-label="as it left it">
                <Text>{valueText(after)}</Text>
              </td>
              {looked ? (
                <td className="py-1" data-label="now">
                  <span className="whitespace-pre-wrap">
                    <Text>{valueText(now)}</Text>
                    {conflict ? <strong className="ml-1 rounded bg-deny-tint px-1 text-deny">changed since</strong> : undefined}
                  </span>
                </td>
              ) : undefined}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
