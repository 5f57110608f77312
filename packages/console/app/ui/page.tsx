import { type ReactNode, useEffect } from "react";
import { Text } from "./untrusted.tsx";

/** A page: its title in the tab and as its heading, what can be done with it at the right. */
export function Page({ title, actions, children }: { readonly title: string; readonly actions?: ReactNode; readonly children: ReactNode }) {
  usePageTitle(title);
  return (
    <div className="p-3 sm:p-4">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h1 className="text-lg">
          <Text>{title}</Text>
        </h1>
        {actions}
      </div>
      {children}
    </div>
  );
}

/** Names the tab. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} - Bailiwick`;
  }, [title]);
}
