import { useNavigate, useParams } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { Approval } from "../../api/approvals.ts";
import { useMediaQuery } from "../../ui/use-media-query.ts";

/** From here on the card stands beside the list. */
const WIDE = "(min-width: 64rem)";

export interface Selection {
  /** The approval whose card is shown; where there is room the first one is shown without being asked for. */
  readonly id: string | undefined;
  readonly wide: boolean;
  /** Whether the list is in view: beside the card, or instead of it. */
  readonly listShown: boolean;
  open(id: string): void;
  /** So many further down the list, or up when negative. */
  move(by: number): void;
  /** The one that was looked at before. */
  back(): void;
  close(): void;
  /** After an answer: on to the next one, or to the list where there is no room for both. */
  goOn(answered: string): void;
}

/** Which approval is looked at. The address says it, so that it can be sent to somebody. */
export function useSelection(approvals: readonly Approval[]): Selection {
  const navigate = useNavigate();
  const { id: asked } = useParams({ strict: false });
  const wide = useMediaQuery(WIDE);
  const trail = useRef<string[]>([]);
  // What is shown without being asked for stays, too, until the person moves on: nothing may take its place under somebody's fingers.
  const [kept, setKept] = useState<string | undefined>();
  const first = approvals[0]?.id;
  if (asked === undefined && wide && kept === undefined && first !== undefined) setKept(first);
  const id = asked ?? (wide ? (kept ?? first) : undefined);
  const go = (to: string): void => {
    setKept(undefined);
    void navigate({ to: "/approvals/$id", params: { id: to }, search: true, replace: asked !== undefined });
  };
  const open = (to: string): void => {
    if (id !== undefined && id !== to) trail.current.push(id);
    go(to);
  };
  const close = (): void => void navigate({ to: "/", search: true });
  return {
    id,
    wide,
    listShown: wide || asked === undefined,
    open,
    move: (by) => {
      const at = approvals.findIndex((approval) => approval.id === id);
      const to = approvals[Math.max(0, Math.min(approvals.length - 1, at + by))];
      if (to !== undefined && to.id !== id) open(to.id);
    },
    back: () => {
      const before = trail.current.pop();
      if (before !== undefined) go(before);
    },
    close,
    goOn: (answered) => {
      if (id !== answered) return;
      const at = approvals.findIndex((approval) => approval.id === answered);
      const others = approvals.filter((approval) => approval.id !== answered);
      const next = wide ? (others[Math.max(0, at)] ?? others.at(-1)) : undefined;
      if (asked === undefined) setKept(next?.id);
      else if (next === undefined) close();
      else go(next.id);
    },
  };
}
