import { concerns, type EndedFeed } from "../domain/ended.ts";
import type { Session } from "../domain/session.ts";
import type { CallIo } from "../domain/tool.ts";

/** Calls under way on this broker, so that what a session is running ends with the session. */
export interface RunningCalls {
  /** The same line to the agent, cut when the session, one above it, or its agent is ended. Call `done` when the call has its outcome. */
  begin(session: Session, io: CallIo): { readonly io: CallIo; done(): void };
}

/**
 * Cancels the tool requests of ended sessions where the tool's protocol allows it. What was in flight keeps its own record: an outcome, or
 * `unknown`. A feed that may have missed something cancels nothing: the intent of each call was checked in the database.
 */
export function runningCalls(feed: EndedFeed): RunningCalls {
  const running = new Map<AbortController, Session>();
  feed.onEnded((ended) => {
    if (ended === undefined) return;
    for (const [controller, session] of running) if (concerns(ended, session)) controller.abort();
  });
  return {
    begin(session, io) {
      const controller = new AbortController();
      running.set(controller, session);
      return { io: { ...io, signal: AbortSignal.any([io.signal, controller.signal]) }, done: () => void running.delete(controller) };
    },
  };
}
