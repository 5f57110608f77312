import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { Badge } from "../../ui/badge.tsx";
import { cls } from "../../ui/classes.ts";
import { Code, Command } from "../../ui/code.tsx";
import { Empty } from "../../ui/empty.tsx";
import { Select } from "../../ui/field.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { type Finding, FileView } from "./file-view.tsx";

type PolicyFiles = Schema<"PolicyFiles">;

/** A file as it is shown: of the version in force, or as it lies in the folder and does not load. */
interface Shown {
  readonly path: string;
  readonly text: string;
  readonly state: "in force" | "not in force";
  readonly findings: readonly Finding[];
}

/** The files of the policy, each line with its number and what is wrong with it. */
export function Files({ of }: { readonly of: PolicyFiles }) {
  const { file } = useSearch({ from: "/policy" });
  const files = shownFiles(of);
  const shown = files.find(({ path }) => path === file) ?? (file === undefined ? files[0] : undefined);
  return (
    <>
      <p className="mb-2">
        In force: version <Code>{of.version.slice(0, 19)}</Code>, {of.files.length} files
      </p>
      {of.rejected === undefined ? undefined : <Rejected of={of.rejected} />}
      {of.warnings.length === 0 ? undefined : (
        <Findings title={`${of.warnings.length} warnings of the version in force`} of={of.warnings} />
      )}
      <div className="flex items-start gap-4 max-lg:flex-col">
        <FileList files={files} current={shown?.path} />
        <div className="w-full min-w-0 grow">
          {shown === undefined ? (
            <Empty title="This file is not in the policy folder." command="bailiwick check">
              It may have been renamed since the rule was recorded.
            </Empty>
          ) : (
            <FileView
              key={`${shown.path} ${shown.state}`}
              path={shown.path}
              text={shown.text}
              findings={shown.findings}
              state={shown.state}
            />
          )}
        </div>
      </div>
    </>
  );
}

/** Changed files are shown as they lie in the folder: that is where their mistakes are. */
function shownFiles({ files, warnings, rejected }: PolicyFiles): readonly Shown[] {
  const changed = new Map(rejected?.files.map(({ path, text }) => [path, text]));
  const wrong = (path: string): readonly Finding[] => (rejected?.diagnostics ?? []).filter(({ at }) => at.file === path);
  const kept = files.map(({ path, text }): Shown => {
    const other = changed.get(path);
    if (other !== undefined) return { path, text: other, state: "not in force", findings: wrong(path) };
    return { path, text, state: "in force", findings: [...warnings.filter(({ at }) => at.file === path), ...wrong(path)] };
  });
  const before = new Set(files.map(({ path }) => path));
  const added = [...changed]
    .filter(([path]) => !before.has(path))
    .map(([path, text]): Shown => ({ path, text, state: "not in force", findings: wrong(path) }));
  return [...kept, ...added].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function Rejected({ of }: { readonly of: NonNullable<PolicyFiles["rejected"]> }) {
  const errors = of.diagnostics.filter(({ severity }) => severity === "error").length;
  return (
    <div role="alert" className="my-2 rounded border-2 border-deny bg-deny-tint px-3 py-2">
      <p className="font-semibold text-deny">
        The folder was changed and does not load: {errors} {errors === 1 ? "error" : "errors"}. The version before stays in force.
      </p>
      {of.removed.length === 0 ? undefined : (
        <p>
          Gone from the folder, still in force: <Text>{of.removed.join(", ")}</Text>
        </p>
      )}
      <Findings title="What is wrong" of={of.diagnostics} open />
      <p className="mt-2">
        <Command>bailiwick check</Command> says the same on the command line.
      </p>
    </div>
  );
}

function Findings({ title, of, open = false }: { readonly title: string; readonly of: readonly Finding[]; readonly open?: boolean }) {
  return (
    <details open={open} className="my-2">
      <summary className="w-fit">{title}</summary>
      <ul className="mt-1 grid list-disc gap-1 pl-5">
        {of.map((finding) => (
          <li key={`${finding.code} ${finding.at.file} ${finding.at.line} ${finding.what}`}>
            <Link to="/policy" search={{ file: finding.at.file }} hash={`L${finding.at.line}`} className="font-mono text-[0.8125rem]">
              {finding.at.file}:{finding.at.line}
            </Link>{" "}
            <Words>{finding.what}</Words>
          </li>
        ))}
      </ul>
    </details>
  );
}

function FileList({ files, current }: { readonly files: readonly Shown[]; readonly current: string | undefined }) {
  const navigate = useNavigate({ from: "/policy" });
  return (
    <>
      <Select
        label="File"
        value={current ?? ""}
        onChange={({ target }) => void navigate({ search: (before: object) => ({ ...before, file: target.value }), hash: "" })}
        className="w-full lg:hidden"
      >
        {current === undefined ? <option value="">(none)</option> : undefined}
        {files.map(({ path, state }) => (
          <option key={path} value={path}>
            {state === "in force" ? path : `${path} (does not load)`}
          </option>
        ))}
      </Select>
      <nav aria-label="Files" className="hidden w-60 shrink-0 lg:block">
        <ul className="grid gap-0.5">
          {files.map(({ path, state, findings }) => (
            <li key={path}>
              <Link
                to="/policy"
                search={{ file: path }}
                aria-current={path === current ? "page" : undefined}
                className={cls(
                  "flex min-h-7 items-center justify-between gap-2 rounded px-2 text-ink no-underline hover:bg-raised",
                  path === current && "bg-chosen",
                )}
              >
                <Text>{path}</Text>
                {findings.length === 0 ? undefined : (
                  <Badge tone={findings.some(({ severity }) => severity === "error") ? "deny" : "ask"}>
                    {findings.length}
                    <span className="sr-only"> findings</span>
                  </Badge>
                )}
                {state === "not in force" && findings.length === 0 ? <Badge>changed</Badge> : undefined}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
    </>
  );
}
