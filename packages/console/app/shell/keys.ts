import { useEffect, useId, useSyncExternalStore } from "react";

/** A key of the keyboard and what it does here. `key` is a `KeyboardEvent.key`; `mod+k` means Ctrl or Cmd with k. */
export interface Shortcut {
  readonly key: string;
  /** In a few words, for the list of shortcuts and the command palette. */
  readonly does: string;
  run(): void;
}

const STORED = "bailiwick-single-keys";
const active = new Map<string, readonly Shortcut[]>();
const listeners = new Set<() => void>();
let snapshot: readonly Shortcut[] = [];
let singleKeys = readStored();

/** Makes keys work while the component is shown; those of components that came later win. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const id = useId();
  useEffect(() => {
    const before = active.get(id);
    active.set(id, shortcuts);
    if (before === undefined || shapeOf(before) !== shapeOf(shortcuts)) tell();
  });
  useEffect(
    () => () => {
      active.delete(id);
      tell();
    },
    [id],
  );
}

function shapeOf(shortcuts: readonly Shortcut[]): string {
  return shortcuts.map(({ key, does }) => `${key}\0${does}`).join("\0");
}

/** Every shortcut that works now, as one list. */
export function useActiveShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(subscribe, () => snapshot);
}

/** Whether single letters do something. Who dictates or holds keys by accident turns them off (WCAG 2.2, 2.1.4). */
export function useSingleKeys(): readonly [boolean, (on: boolean) => void] {
  return [useSyncExternalStore(subscribe, () => singleKeys), setSingleKeys];
}

/** Listens on the whole page. Letters typed into a field, and keys while a dialog is open, are left alone. */
export function startKeys(): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const mod = event.ctrlKey || event.metaKey;
    if (event.altKey || (!mod && (!singleKeys || isTyping(event.target) || document.querySelector("dialog[open]") !== null))) return;
    const key = mod ? `mod+${event.key.toLowerCase()}` : event.key;
    const found = snapshot.findLast((shortcut) => shortcut.key === key);
    // A key that is held down repeats; nothing here is meant to be done twice.
    if (found === undefined || (event.repeat && !["j", "k"].includes(key))) return;
    event.preventDefault();
    found.run();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox]), textarea, select"));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(): void {
  snapshot = [...active.keys()].flatMap((id) =>
    (active.get(id) ?? []).map(({ key, does }, at) => ({ key, does, run: () => active.get(id)?.[at]?.run() })),
  );
  for (const listener of listeners) listener();
}

function setSingleKeys(on: boolean): void {
  singleKeys = on;
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // Without storage the choice holds until the page is left.
  }
  tell();
}

function readStored(): boolean {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true;
  }
}
