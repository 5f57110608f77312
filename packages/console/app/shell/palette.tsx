import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { type ReactNode, useState } from "react";
import { Dialog } from "../ui/dialog.tsx";
import { keyText } from "./help.tsx";
import { type Shortcut, useActiveShortcuts } from "./keys.ts";
import { useSections } from "./nav.tsx";

/** Names of single things: typed or pasted whole, they are gone to. */
const IDS = [
  { begins: /^apr_[\w-]{8,}$/u, what: "approval", path: "/approvals/" },
  { begins: /^call_[\w-]{8,}$/u, what: "call", path: "/calls/" },
  { begins: /^(?:run|ses)_[\w-]{8,}$/u, what: "run", path: "/runs/" },
  { begins: /^elv_[\w-]{8,}$/u, what: "elevation", path: "/elevations/" },
] as const;

/** Every page and every action of the page that is open, found by typing. */
export function Palette({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate();
  const sections = useSections();
  const shortcuts = useActiveShortcuts();
  const [typed, setTyped] = useState("");
  const id = typed.trim();
  const go = (run: () => void): void => {
    onClose();
    // The dialog gives the focus back first; what runs may move it on.
    queueMicrotask(run);
  };
  return (
    <Dialog title="Go to a page or do something" onClose={onClose} bare>
      <Command label="Pages and actions" loop>
        <Command.Input
          value={typed}
          onValueChange={setTyped}
          placeholder="Type a page, an action, or an id"
          className="w-full border-b border-line bg-card px-3 py-2.5 outline-none"
        />
        <Command.List className="max-h-80 overflow-auto p-1.5">
          <Command.Empty className="px-2 py-4 text-soft">Nothing here is called that.</Command.Empty>
          {IDS.filter(({ begins }) => begins.test(id)).map(({ what, path }) => (
            <Item key={what} value={id} onSelect={() => go(() => void navigate({ href: `${path}${id}` }))}>
              Open {what} {id}
            </Item>
          ))}
          <Command.Group heading="Pages" className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:text-soft">
            {sections.map((section) => (
              <Item
                key={section.name}
                value={`page ${section.name}`}
                onSelect={() => go(() => ("page" in section ? void navigate({ href: section.page }) : location.assign(section.plain)))}
              >
                {section.name}
              </Item>
            ))}
          </Command.Group>
          <Command.Group heading="Here" className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:text-soft">
            {shortcuts
              .filter(({ key }) => key !== "mod+k")
              .map((shortcut) => (
                <ShortcutItem key={`${shortcut.key} ${shortcut.does}`} shortcut={shortcut} onSelect={() => go(shortcut.run)} />
              ))}
          </Command.Group>
        </Command.List>
      </Command>
    </Dialog>
  );
}

function ShortcutItem({ shortcut, onSelect }: { readonly shortcut: Shortcut; readonly onSelect: () => void }) {
  return (
    <Item value={`do ${shortcut.does}`} onSelect={onSelect}>
      <span className="flex justify-between gap-4">
        {shortcut.does}
        <kbd className="font-mono text-xs text-soft">{keyText(shortcut.key)}</kbd>
      </span>
    </Item>
  );
}

function Item(props: { readonly value: string; readonly onSelect: () => void; readonly children: ReactNode }) {
  return (
    <Command.Item value={props.value} onSelect={props.onSelect} className="rounded px-2 py-1.5 data-[selected=true]:bg-chosen">
      {props.children}
    </Command.Item>
  );
}
