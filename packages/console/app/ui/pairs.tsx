import { Fragment, type ReactNode } from "react";

/** Terms and what is said of each; one without a description is left out. */
export function Pairs({ of }: { readonly of: readonly (readonly [term: string, description: ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(5rem,max-content)_1fr] gap-x-4 gap-y-1">
      {of.map(([term, description]) =>
        description === undefined || description === null ? undefined : (
          <Fragment key={term}>
            <dt className="text-soft">{term}</dt>
            <dd className="min-w-0">{description}</dd>
          </Fragment>
        ),
      )}
    </dl>
  );
}
