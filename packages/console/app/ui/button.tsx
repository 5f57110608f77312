import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { cls } from "./classes.ts";

const LOOKS = {
  plain: "border-edge bg-card text-ink hover:bg-raised",
  main: "border-accent bg-accent text-on-accent hover:brightness-110",
  allow: "border-allow bg-card text-allow hover:bg-allow-tint",
  deny: "border-deny bg-card text-deny hover:bg-deny-tint",
  quiet: "border-transparent bg-transparent text-ink hover:bg-raised",
} as const;

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: keyof typeof LOOKS;
  /** Shown behind the words: the key that does the same. */
  readonly shortcut?: string | undefined;
  readonly ref?: Ref<HTMLButtonElement>;
  readonly children: ReactNode;
}

/** At least 28 px high: the target size of WCAG 2.2 (2.5.8) with room to spare. */
export function Button({ look = "plain", shortcut, className, children, type = "button", ...rest }: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-keyshortcuts={shortcut}
      className={cls(
        "inline-flex min-h-7 items-center justify-center gap-2 rounded border px-2.5 py-0.5 font-medium disabled:opacity-55",
        LOOKS[look],
        className,
      )}
    >
      {children}
      {shortcut === undefined ? undefined : (
        <kbd aria-hidden="true" className="rounded border border-current px-1 font-mono text-[0.6875rem] leading-4">
          {shortcut}
        </kbd>
      )}
    </button>
  );
}
