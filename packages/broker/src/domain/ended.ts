import type { Session } from "./session.ts";
import type { StopKind } from "./stop.ts";

/** Rights that have just ended (or, for a stop that was lifted, changed), here or on another broker. */
export type Ended =
  | { readonly kind: "sessions"; readonly tenant: string; readonly ids: readonly string[] }
  | { readonly kind: "stop"; readonly tenant: string; readonly stop: StopKind; readonly name: string }
  /** Some agent of the tenant was given a right for a time, or lost one. It ends no session. */
  | { readonly kind: "elevations"; readonly tenant: string };

/** What whoever keeps sessions in memory must hear, and know to be hearing. */
export interface EndedFeed {
  /** Returns the function that stops listening. Undefined means that something may have been missed: forget everything. */
  onEnded(listener: (ended: Ended | undefined) => void): () => void;
  /** False while something that ended on another broker could have gone unheard. */
  listenerFresh(): boolean;
}

/** Whether what ended is this session, one it was delegated from, or what lets its agent act. */
export function concerns(ended: Ended, session: Session): boolean {
  if (ended.kind === "stop" && ended.stop === "everything") return true;
  if (ended.tenant !== session.tenant || ended.kind === "elevations") return false;
  if (ended.kind === "sessions") return ended.ids.some((id) => id === session.id || session.lineage.includes(id));
  return chainOf(session).some((each) => stops(ended, each));
}

/** Whether what is known of a session must be read again: it concerns the session, or an agent of its chain may have other rights now. */
export function outdates(ended: Ended, session: Session): boolean {
  return ended.kind === "elevations" ? ended.tenant === session.tenant : concerns(ended, session);
}

/** A session and those it was delegated from, the nearest first. */
export function chainOf(session: Session): readonly Session[] {
  return session.delegator === undefined ? [session] : [session, ...chainOf(session.delegator)];
}

function stops({ stop, name }: Extract<Ended, { kind: "stop" }>, { agent, environment, workflow }: Session): boolean {
  switch (stop) {
    case "agent":
      return name === agent;
    case "workflow":
      return name === `${environment}/${workflow}`;
    case "tenant":
    case "everything":
      return true;
  }
}
