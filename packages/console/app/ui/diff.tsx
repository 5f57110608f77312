import { Text } from "./untrusted.tsx";

/** One field before and after. `masked`: there are values, and the person who looks may not see them. */
export interface Change {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly masked?: boolean | undefined;
}

/** Fields before and after. What is taken away and what comes is said in words too, not only by colour. */
export function Diff({ changes, label }: { readonly changes: readonly Change[]; readonly label: string }) {
  return (
    <div className="@container overflow-x-auto">
      <table className="stacking w-full border-collapse" aria-label={label}>
        <thead>
          <tr className="text-left text-soft">
            <th scope="col" className="w-1/5 py-0.5 pr-3 font-normal">
              field
            </th>
            <th scope="col" className="w-2/5 py-0.5 pr-3 font-normal">
              before
            </th>
            <th scope="col" className="w-2/5 py-0.5 font-normal">
              after
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={change.path} className="border-t border-line align-top">
              <td className="py-1 pr-3" data-label="field">
                <span>
                  <Text className="font-medium">{change.path}</Text> {change.masked === true ? <Masked /> : undefined}
                </span>
              </td>
              <td className="py-1 pr-3" data-label="before">
                {change.before === undefined ? <None /> : <Value of={change.before} as="del" />}
              </td>
              <td className="py-1" data-label="after">
                {change.after === undefined ? <None /> : <Value of={change.after} as="ins" />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Says that a value is not shown as it is. */
export function Masked() {
  return (
    <span className="rounded border border-ask px-1 text-xs text-ask" title="you may not see this value; see `reveal` in bailiwick.yaml">
      masked
    </span>
  );
}

/** A value as people read it: texts as they are, everything else as JSON. */
export function valueText(value: unknown): string {
  if (value === undefined) return "(none)";
  if (typeof value === "string") return value === "" ? '""' : value;
  return JSON.stringify(value, undefined, typeof value === "object" && value !== null ? 1 : undefined);
}

function Value({ of, as: As }: { readonly of: unknown; readonly as: "del" | "ins" }) {
  const look = As === "del" ? "bg-deny-tint text-deny line-through decoration-1" : "bg-allow-tint text-allow no-underline";
  return (
    <As className={`rounded px-1 whitespace-pre-wrap ${look}`}>
      <span className="sr-only">{As === "del" ? "removed: " : "added: "}</span>
      <Text>{valueText(of)}</Text>
    </As>
  );
}

function None() {
  return <span className="text-soft">(none)</span>;
}
