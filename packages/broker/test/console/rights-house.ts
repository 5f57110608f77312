import { load, type Policy, type PolicyFile } from "@bailiwick/policy";
import { companyFiles } from "../people-support/company.ts";

/** Markup that would act if it were taken for markup. */
export const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

const DELETE = `  delete_ticket:
    is: tickets:delete
    effect: delete
    args: { id: string, "count?": integer, "really?": boolean, "tags?": [string] }
    reviewed: "sha256:${"0".repeat(64)}"
`;
const ELIGIBLE = `eligible:
  - role: cleaner
    most: 2h
    reason: a clean-up that was announced
    approve: { by: [support-lead], expires: 30m }
`;
const PEOPLE = `  anke: { name: Anke Auditor, email: anke@platform.example, tenants: [acme, globex], roles: [auditor] }
`;
const ADDED: Readonly<Record<string, string>> = { "tools/tickets.yaml": DELETE, "agents/support.yaml": ELIGIBLE, "bailiwick.yaml": PEOPLE };
const CLEANER = `role: cleaner
reason: tickets made by mistake go
allow:
  - do: tickets:delete
    approve: { by: [operator] }
`;

/** The company with an action its agent may do only under a role it can ask for, and an auditor of every tenant. */
export const RIGHTS_FILES: readonly PolicyFile[] = [
  ...companyFiles.map(({ path, text }) => ({ path, text: text + (ADDED[path] ?? "") })),
  { path: "roles/cleaner.yaml", text: CLEANER },
];

/** The same with one more tool of so many actions and so many more agents. */
export function wideFiles(actions: number, agents: number): readonly PolicyFile[] {
  const names = Array.from({ length: actions }, (_, at) => `read_${String(at).padStart(3, "0")}`);
  const tool = `tool: wide
connect: { mcp: { url: "http://127.0.0.1:1/mcp" } }
actions:
${names.map((name) => `  ${name}: { is: "wide:${name}", effect: read, reviewed: "sha256:${"0".repeat(64)}" }`).join("\n")}
`;
  const role = `role: reader\nreason: readers read\nallow:\n  - do: wide:*\n`;
  const workers = Array.from({ length: agents }, (_, at) => {
    const name = `worker-${String(at).padStart(3, "0")}`;
    return {
      path: `agents/${name}.yaml`,
      text: `agent: ${name}\nworkflow: wide\nowner: ines\ntenants: [acme]\nenvironments: [prod]\nroles: [reader]\nceiling: { allow: ["wide:*"] }\n`,
    };
  });
  return [...RIGHTS_FILES, { path: "tools/wide.yaml", text: tool }, { path: "roles/reader.yaml", text: role }, ...workers];
}

/** @throws Error with what is wrong. */
export function policyOf(files: readonly PolicyFile[]): Policy {
  const loaded = load(files);
  if (loaded.ok) return loaded.policy;
  throw new Error(JSON.stringify(loaded.diagnostics));
}
