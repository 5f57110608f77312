import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decide,
  type DecisionRequest,
  type FieldTreatment,
  type JsonObject,
  load,
  type Policy,
  present,
  selects,
  viewOf,
} from "../src/index.ts";
import type { RecordView } from "../src/index.ts";

interface Rule {
  readonly rows?: string | undefined;
  readonly hide: readonly string[];
  readonly mask: Readonly<Record<string, string>>;
}
interface Folder {
  readonly worker: readonly Rule[];
  readonly boss: readonly Rule[];
  readonly gate: Rule;
  readonly deny: string | undefined;
}

const PATHS = ["region", "note", "tier", "owner", "owner.name", "owner.team"] as const;

function policyWith({ worker, boss, gate, deny }: Folder): Policy {
  const role = (name: string, rules: readonly Rule[], denies: readonly object[] = []): { path: string; text: string } => ({
    path: `roles/${name}.yaml`,
    text: JSON.stringify({
      role: name,
      reason: "r",
      allow: rules.map(({ rows, hide, mask }) => ({ do: "things:read", ...(rows === undefined ? {} : { rows }), fields: { hide, mask } })),
      deny: denies,
    }),
  });
  const agent = (name: string): { path: string; text: string } => ({
    path: `agents/${name}.yaml`,
    text: `agent: ${name}\nworkflow: w\nowner: ada\ntenants: [acme]\nenvironments: [prod]\nroles: [${name}]\nceiling: { allow: ["things:*"] }\n`,
  });
  const result = load([
    {
      path: "bailiwick.yaml",
      text: "version: 1\ntenants: [acme]\nenvironments: { prod: {} }\npeople:\n  ada: { name: Ada, email: a@acme.example, tenants: [acme], roles: [operator] }\n",
    },
    {
      path: "tools/things.yaml",
      text: `tool: things\nconnect: { mcp: { command: [x] } }\ntypes:\n  Thing: { id: string, tenant: string, region: string, "note?": string, tier: integer, owner: { name: string, "team?": string } }\ntenantField: { Thing: tenant }\nactions:\n  list: { is: "things:read", effect: read, returns: { type: Thing, at: result }, reviewed: "sha256:${"0".repeat(64)}" }\n`,
    },
    role("worker", worker, deny === undefined ? [] : [{ do: "things:read", id: "no", rows: deny }]),
    role("boss", boss),
    agent("worker"),
    agent("boss"),
    {
      path: "gates.yaml",
      text: JSON.stringify({
        gates: [
          {
            gate: "g",
            reason: "r",
            on: { do: ["things:read"] },
            require: { fields: { hide: gate.hide, mask: gate.mask }, limits: { records: 50 } },
          },
        ],
      }),
    },
  ]);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return result.policy;
}

function requestOf(delegated: boolean): DecisionRequest {
  const common = {
    tenant: "acme",
    environment: "prod",
    workflow: "w",
    user: "u",
    session: "s",
    task: "T-1",
    data: {},
    scope: ["things:*"],
  };
  const boss = { ...common, agent: "bailiwick://acme/prod/w/boss" };
  return {
    caller: { ...common, agent: "bailiwick://acme/prod/w/worker", ...(delegated ? { delegator: boss } : {}) },
    operation: { tool: "things", kind: "tool", name: "list" },
    args: {},
    now: new Date("2026-11-23T10:00:00Z"),
  };
}

const ORDER: readonly FieldTreatment[] = ["hide", "redact", "token", "hash", "partial"];

/** What a database does with the view, said plainly: visible or not, and the treatment of each path in each layer. */
function seen(view: RecordView, record: JsonObject): readonly ReadonlyMap<string, FieldTreatment>[] | undefined {
  const layers = view.layers.map(({ base, grants }) => {
    const showing = selects(base, record) ? grants.filter(({ rows }) => selects(rows, record)) : [];
    if (showing.length === 0) return undefined;
    const rank = (fields: ReadonlyMap<string, FieldTreatment>, path: string): number => {
      const how = fields.get(path);
      return how === undefined ? ORDER.length : ORDER.indexOf(how);
    };
    const treated = new Map<string, FieldTreatment>();
    for (const path of PATHS) {
      const most = ORDER[Math.max(...showing.map(({ fields }) => rank(fields, path)))];
      if (most !== undefined) treated.set(path, most);
    }
    return treated;
  });
  return layers.includes(undefined) ? undefined : layers.filter((layer) => layer !== undefined);
}

const rows = fc.option(
  fc.constantFrom(
    'resource.region == "emea"',
    "resource.tier > 1",
    'resource has note && resource.note == "a"',
    'resource.owner has team && resource.owner.team like "t*"',
    "!(resource.tier == 2)",
  ),
  { nil: undefined },
);
const fields = {
  hide: fc.subarray([...PATHS]),
  mask: fc.dictionary(fc.constantFrom(...PATHS), fc.constantFrom("redact", "partial", "hash", "token"), { maxKeys: 3 }),
};
const rule = fc.record({ rows, ...fields });
const folder: fc.Arbitrary<Folder> = fc.record({
  worker: fc.array(rule, { minLength: 1, maxLength: 3 }),
  boss: fc.array(rule, { minLength: 1, maxLength: 2 }),
  gate: fc.record({ rows: fc.constant(undefined), hide: fc.subarray(["note", "owner.team"]), mask: fields.mask }),
  deny: fc.option(fc.constantFrom('resource.region == "apac"', 'resource has note && resource.note == "b"'), { nil: undefined }),
});
const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null, freq: 5 });
const record = fc.record({
  id: fc.constant("1"),
  tenant: fc.constantFrom("acme", "acme", "acme", "globex"),
  region: fc.constantFrom("emea", "apac", "amer"),
  note: orNull(fc.constantFrom("a", "b", "c")),
  tier: fc.constantFrom(1, 2, 3),
  owner: fc.record({ name: fc.constantFrom("ann", "bob"), team: orNull(fc.constantFrom("t1", "x")) }),
});

describe("the view of a decision", () => {
  it("shows the records that `present` shows, and treats each field the same", () => {
    fc.assert(
      fc.property(folder, fc.boolean(), fc.array(record, { minLength: 1, maxLength: 12 }), (made, delegated, records) => {
        const policy = policyWith(made);
        const request = requestOf(delegated);
        const decision = decide(policy, request);
        const view = viewOf(policy, request, decision, "Thing");
        fc.pre(view !== undefined && view.unpushed.length === 0);
        for (const each of records) {
          const shown = present(policy, request, decision, each, "Thing");
          const layers = seen(view, each);
          expect(layers !== undefined).toBe(shown.visible);
          if (layers === undefined) continue;
          const treated = new Set(layers.flatMap((layer) => [...layer.keys()]));
          const there = (path: string): boolean => path !== "note" || Object.hasOwn(each, "note");
          // `present` reports outer paths only where everything inside went with them.
          for (const path of [...shown.hidden, ...shown.masked]) expect(treated).toContain(path);
          const hidden = PATHS.filter((path) => there(path) && layers.some((layer) => layer.get(path) === "hide"));
          for (const path of hidden) expect(valueAt(shown.record, path)).toBeUndefined();
          for (const path of PATHS.filter(
            (one) => ![...treated].some((by) => by === one || one.startsWith(`${by}.`) || by.startsWith(`${one}.`)),
          ))
            expect(valueAt(shown.record, path)).toEqual(valueAt(each, path));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("is none for a call that is refused", () => {
    const policy = policyWith({
      worker: [{ hide: [], mask: {} }],
      boss: [{ hide: [], mask: {} }],
      gate: { hide: [], mask: {} },
      deny: undefined,
    });
    const request = { ...requestOf(false), args: { undeclared: 1 } };
    expect(viewOf(policy, request, decide(policy, request), "Thing")).toBeUndefined();
  });
});

function valueAt(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce(
      (at: unknown, step) =>
        typeof at === "object" && at !== null && Object.hasOwn(at, step)
          ? Object.entries(at).find(([key]) => key === step)?.[1]
          : undefined,
      value,
    );
}
