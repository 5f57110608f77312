import fc from "fast-check";
import { expect, test } from "vitest";
import { nameFromPath, nameInPath, shortName } from "../../../console/app/pages/agents/agent-name.ts";
import { type Branch, treesOf } from "../../../console/app/pages/agents/session-tree.ts";

type Session = Parameters<typeof treesOf>[0][number];

const session = (id: string, lineage: string[], issuedAt: string): Session => ({
  id,
  lineage,
  issuedAt,
  tenant: "acme",
  environment: "prod",
  workflow: "w",
  agent: "bailiwick://acme/prod/w/a",
  user: "ana",
  task: "t",
  run: "r",
  userProof: "asserted",
  data: {},
  scope: [],
  rows: [],
  limits: {},
  grant: "client_credentials",
  binding: "bearer",
  actors: [],
  expiresAt: issuedAt,
  live: true,
});

const shape = (branches: readonly Branch[]): unknown =>
  branches.map(({ session: { id }, below }) => (below.length === 0 ? id : [id, shape(below)]));

test("sessions hang below the nearest one they were delegated from, the newest first", () => {
  const trees = treesOf([
    session("root", [], "2026-01-01T00:00:00Z"),
    session("late", ["root"], "2026-01-01T00:02:00Z"),
    session("early", ["root"], "2026-01-01T00:01:00Z"),
    session("deep", ["root", "gone", "late"], "2026-01-01T00:03:00Z"),
    session("orphan", ["gone"], "2026-01-01T00:04:00Z"),
  ]);
  expect(shape(trees)).toEqual(["orphan", ["root", [["late", ["deep"]], "early"]]]);
});

test("each session is in the trees once", () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 12 });
  fc.assert(
    fc.property(ids, (names) => {
      const sessions = names.map((id, at) =>
        session(
          id,
          names.slice(0, at).filter((_, above) => above % 2 === at % 2),
          `2026-01-01T00:00:0${at % 10}Z`,
        ),
      );
      const flat = (branches: readonly Branch[]): readonly string[] =>
        branches.flatMap(({ session: { id }, below }) => [id, ...flat(below)]);
      expect(flat(treesOf(sessions)).toSorted()).toEqual(names.toSorted());
    }),
  );
});

test("an agent's name goes into an address and comes back", () => {
  const part = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/u);
  fc.assert(
    fc.property(fc.tuple(part, part, part, part), (parts) => {
      const name = `bailiwick://${parts.join("/")}`;
      expect(nameInPath(name)).toMatch(/^[a-z0-9_~-]+$/u);
      expect(nameFromPath(nameInPath(name))).toBe(name);
      expect(shortName(name)).toBe(parts.join("/"));
    }),
  );
});
