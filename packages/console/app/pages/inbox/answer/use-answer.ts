import { useState } from "react";
import { type Approval, approvalQuery, putInLists } from "../../../api/approvals.ts";
import { answerOf, api, ApiProblem, type Schema } from "../../../api/client.ts";
import { signWithPasskey } from "../../../api/passkey.ts";
import { queryClient } from "../../../api/queries.ts";
import { say } from "../../../ui/toast.tsx";

/** What exactly is said yes to, beside the question itself. */
export interface Yes {
  readonly args?: Record<string, unknown> | undefined;
  readonly bounds?: Schema<"ApprovalBounds"> | undefined;
  readonly reason?: string | undefined;
}

/** A yes that waits for a signature: the document that is signed, which the broker made from the yes. */
export interface ToSign extends Schema<"ToSign"> {
  readonly yes: Yes;
}

export interface Answering {
  readonly working: boolean;
  readonly error: unknown;
  readonly toSign: ToSign | undefined;
  /** Says yes; where it has to be signed, fetches what is signed first. */
  approve(yes: Yes): void;
  /** Has a passkey sign `toSign`, and says yes. `reason` is not part of what is signed. */
  sign(reason?: string): void;
  deny(reason: string): void;
  stop(reason: string): void;
}

/** Gives a person's answer to what they looked at. When something else is asked by now the broker refuses, and the card is looked at again. */
export function useAnswer(approval: Approval, onAnswered: (approval: Approval) => void): Answering {
  const [state, setState] = useState<Pick<Answering, "working" | "error" | "toSign">>({
    working: false,
    error: undefined,
    toSign: undefined,
  });
  const { id, showing } = approval;
  const path = { path: { id } };
  const run = (work: () => Promise<Approval | ToSign>): void => {
    setState((before) => ({ ...before, working: true, error: undefined }));
    work().then(
      (made) => {
        setState({ working: false, error: undefined, toSign: "yes" in made ? made : undefined });
        if ("yes" in made) return;
        queryClient.setQueryData(approvalQuery(id).queryKey, made);
        putInLists(queryClient, made);
        void queryClient.invalidateQueries({ queryKey: ["approvals", "count"] });
        onAnswered(made);
      },
      (error: unknown) => {
        setState((before) => ({ ...before, working: false, error }));
        if (!(error instanceof ApiProblem && error.status === 409)) return;
        // Something else is asked by now, or nothing: what is shown changes, and this question may go with it.
        say(`Not answered: ${error.message}.`, "failed");
        void queryClient.invalidateQueries({ queryKey: approvalQuery(id).queryKey });
      },
    );
  };
  const prepare = async (yes: Yes): Promise<ToSign> => {
    const { args, bounds } = yes;
    const body = { ...(args === undefined ? {} : { args }), ...(bounds === undefined ? {} : { bounds }) };
    return { ...(await answerOf(api.POST("/api/v1/approvals/{id}/step-up", { params: path, body }))), yes };
  };
  return {
    ...state,
    approve: (yes) =>
      run(async () => {
        if (approval.stepUp) return prepare(yes);
        try {
          return await answerOf(api.POST("/api/v1/approvals/{id}/approve", { params: path, body: { showing, ...given(yes) } }));
        } catch (error) {
          // Other arguments can need a signature where those asked for do not.
          if (error instanceof ApiProblem && error.code === "step_up_required") return prepare(yes);
          throw error;
        }
      }),
    sign: (reason) =>
      run(async () => {
        const { toSign } = state;
        if (toSign === undefined) throw new Error("there is nothing to sign yet; try again");
        const assertion = await signWithPasskey(toSign.options);
        const stepUp = { document: toSign.document, assertion };
        const yes = reason === undefined ? toSign.yes : { ...toSign.yes, reason };
        return answerOf(api.POST("/api/v1/approvals/{id}/approve", { params: path, body: { showing, ...given(yes), stepUp } }));
      }),
    deny: (reason) => run(async () => answerOf(api.POST("/api/v1/approvals/{id}/deny", { params: path, body: { reason } }))),
    stop: (reason) => run(async () => answerOf(api.POST("/api/v1/approvals/{id}/stop", { params: path, body: { reason } }))),
  };
}

function given({ args, bounds, reason }: Yes): { args?: Record<string, unknown>; bounds?: Schema<"ApprovalBounds">; reason?: string } {
  const said = reason?.trim() ?? "";
  return { ...(args === undefined ? {} : { args }), ...(bounds === undefined ? {} : { bounds }), ...(said === "" ? {} : { reason: said }) };
}
