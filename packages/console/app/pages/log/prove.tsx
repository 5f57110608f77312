import type { ReactNode } from "react";
import { Command } from "../../ui/code.tsx";
import { isShellWord } from "../../ui/shell-word.ts";

/** How to prove that these are all records of a run. */
export function ProveRun({ run, tenant }: { readonly run: string; readonly tenant: string }) {
  if (!isShellWord(run) || !isShellWord(tenant)) return undefined;
  return (
    <Commands title="Prove that this is all of the run" heading="h2">
      <Command>{`bailiwick audit prove run ${run} --tenant ${tenant} --out run.tlog-proof`}</Command>
      <Command>{"bailiwick-ledger verify-proof run.tlog-proof --key <key>"}</Command>
    </Commands>
  );
}

/** How a log is verified, by the broker's own command and without the broker. */
export function VerifyLog({ tenant }: { readonly tenant: string }) {
  if (!isShellWord(tenant)) return undefined;
  return (
    <Commands title="Verify this log">
      <Command>{`bailiwick audit verify --tenant ${tenant}`}</Command>
      <Command>{`bailiwick audit mirror log-of-${tenant} --tenant ${tenant}`}</Command>
      <Command>{`bailiwick-ledger verify log-of-${tenant} --key <key>`}</Command>
    </Commands>
  );
}

function Commands(props: { readonly title: string; readonly heading?: "h2" | "h3"; readonly children: ReactNode }) {
  const { title, heading: Heading = "h3", children } = props;
  return (
    <section aria-label={title}>
      <Heading className="mb-1 text-soft">{title}</Heading>
      <div className="grid justify-items-start gap-1">{children}</div>
    </section>
  );
}
