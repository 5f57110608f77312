import { Dialog } from "../ui/dialog.tsx";
import { useActiveShortcuts, useSingleKeys } from "./keys.ts";

/** Which keys do something here, and the switch for single letters. */
export function Help({ onClose }: { readonly onClose: () => void }) {
  const shortcuts = useActiveShortcuts();
  const [singleKeys, setSingleKeys] = useSingleKeys();
  return (
    <Dialog title="Keys that do something here" onClose={onClose}>
      <table className="w-full">
        <thead className="sr-only">
          <tr>
            <th scope="col">key</th>
            <th scope="col">what it does</th>
          </tr>
        </thead>
        <tbody>
          {shortcuts.map(({ key, does }) => (
            <tr key={`${key} ${does}`} className="border-t border-line">
              <td className="w-28 py-1">
                <kbd className="rounded border border-edge px-1.5 font-mono text-xs">{keyText(key)}</kbd>
              </td>
              <td className="py-1">{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <label className="mt-3 flex items-center gap-2">
        <input type="checkbox" checked={singleKeys} onChange={(event) => setSingleKeys(event.target.checked)} />
        Single letters do something
      </label>
    </Dialog>
  );
}

/** A key as it is printed on keyboards. */
export function keyText(key: string): string {
  return key.startsWith("mod+") ? `Ctrl ${key.slice(4).toUpperCase()}` : key === "Escape" ? "Esc" : key;
}
