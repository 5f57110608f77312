import { useState } from "react";
import { Button } from "./button.tsx";
import { cls } from "./classes.ts";
import { Text } from "./untrusted.tsx";

/** A name, a digest, a value in a line of text. */
export function Code({ children, className }: { readonly children: string; readonly className?: string | undefined }) {
  return (
    <code className={cls("font-mono text-[0.8125rem]", className)}>
      <Text>{children}</Text>
    </code>
  );
}

/** Lines of code or JSON. Long ones scroll and can be reached by keyboard. */
export function CodeBlock({ children, label }: { readonly children: string; readonly label: string }) {
  return (
    <pre
      tabIndex={0}
      role="region"
      aria-label={label}
      className="max-h-96 overflow-auto rounded border border-line bg-raised px-2 py-1.5 font-mono text-[0.8125rem] whitespace-pre-wrap"
    >
      <Text>{children}</Text>
    </pre>
  );
}

/** A command to run, with a button that copies it. */
export function Command({ children }: { readonly children: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(children);
    setCopied(true);
  };
  return (
    <span className="inline-flex max-w-full items-center gap-2 rounded border border-line bg-raised py-0.5 pr-0.5 pl-2">
      <code className="font-mono text-[0.8125rem]">{children}</code>
      <Button
        look="quiet"
        className="shrink-0 whitespace-nowrap"
        onClick={() => void copy().catch(() => setCopied(false))}
        aria-label={`Copy ${children}`}
      >
        {copied ? "copied" : "copy"}
      </Button>
    </span>
  );
}
