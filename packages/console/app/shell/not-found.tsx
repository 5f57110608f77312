import type { ReactNode } from "react";
import { Empty } from "../ui/empty.tsx";
import { Page } from "../ui/page.tsx";

/** An address that no page has. */
export function NotFound(): ReactNode {
  return (
    <Page title="Not here">
      <Empty title="There is no page at this address.">Choose a section, or press Ctrl K and type what you look for.</Empty>
    </Page>
  );
}
