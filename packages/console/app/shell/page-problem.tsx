import type { ReactNode } from "react";
import { useRouter } from "@tanstack/react-router";
import { Page } from "../ui/page.tsx";
import { ProblemNote } from "../ui/problem.tsx";

/** A page that could not be drawn; the rest of the console stays. */
export function PageProblem({ error }: { readonly error: unknown }): ReactNode {
  const router = useRouter();
  return (
    <Page title="This page failed">
      <ProblemNote error={error} onRetry={() => void router.invalidate()} />
    </Page>
  );
}
