import type { components } from "../../api/contract.d.ts";

type Session = components["schemas"]["Session"];

/** A session and those that were delegated from it. */
export interface Branch {
  readonly session: Session;
  readonly below: readonly Branch[];
}

/** Sessions as trees, the newest first on each level. One whose delegator is not among them is a root. */
export function treesOf(sessions: readonly Session[]): readonly Branch[] {
  const ids = new Set(sessions.map(({ id }) => id));
  const parentOf = ({ lineage }: Session): string | undefined => lineage.findLast((id) => ids.has(id));
  const byParent = Map.groupBy(sessions, parentOf);
  const branches = (parent: string | undefined): readonly Branch[] =>
    (byParent.get(parent) ?? [])
      .toSorted((a, b) => (a.issuedAt < b.issuedAt ? 1 : -1))
      .map((session) => ({ session, below: branches(session.id) }));
  return branches(undefined);
}
