import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "./button.tsx";
import { cls } from "./classes.ts";

/**
 * A modal dialog. The browser's own `<dialog>`: it traps focus, makes the page behind inert, closes on Escape and needs no styles at run time,
 * which the page's security policy would refuse. Focus goes to the element with `data-autofocus`, else to
 * the first that takes it, and afterwards back where it came from.
 */
export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
  /** Without the title bar; the title then only names it. */
  readonly bare?: boolean;
}) {
  const { title, onClose, children, wide = false, bare = false } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    if (shown !== null && !shown.open) shown.showModal();
    shown?.querySelector<HTMLElement>("[data-autofocus]")?.focus();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      className={cls(
        "m-auto max-h-[85dvh] w-[calc(100%-1rem)] overflow-auto rounded-lg border border-edge bg-card p-0",
        wide ? "max-w-3xl" : "max-w-lg",
      )}
    >
      <div className={bare ? "" : "p-4"}>
        <div className={bare ? "sr-only" : "mb-3 flex items-start justify-between gap-4"}>
          <h2 id={name} className="text-base">
            {title}
          </h2>
          {bare ? undefined : (
            <Button look="quiet" aria-label="Close" onClick={onClose}>
              <span aria-hidden="true">✕</span>
            </Button>
          )}
        </div>
        {children}
      </div>
    </dialog>
  );
}
