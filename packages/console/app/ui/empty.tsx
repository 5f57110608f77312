import type { ReactNode } from "react";
import { Command } from "./code.tsx";

/** Nothing here yet: what would be, and the command that makes the first one appear. */
export function Empty({
  title,
  command,
  children,
}: {
  readonly title: string;
  readonly command?: string | undefined;
  readonly children?: ReactNode;
}) {
  return (
    <div className="rounded border border-dashed border-edge px-4 py-6">
      <p className="font-semibold">{title}</p>
      {children === undefined ? undefined : <div className="mt-1 max-w-prose text-soft">{children}</div>}
      {command === undefined ? undefined : (
        <p className="mt-3">
          <Command>{command}</Command>
        </p>
      )}
    </div>
  );
}
