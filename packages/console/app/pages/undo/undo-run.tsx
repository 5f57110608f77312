import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { ThreeWay } from "../../ui/three-way.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { afterUndo, runUndoQuery, useMayUndo } from "./undo-queries.ts";

/** A button for whoever may take a run's calls back. */
export function UndoRun(props: { readonly run: string; readonly tenant: string; readonly agent: string | undefined }) {
  const [open, setOpen] = useState(false);
  if (!useMayUndo(props.agent)) return undefined;
  return (
    <>
      <Button onClick={() => setOpen(true)}>Undo this run</Button>
      {open ? <UndoRunDialog run={props.run} tenant={props.tenant} onClose={() => setOpen(false)} /> : undefined}
    </>
  );
}

function UndoRunDialog({ run, tenant, onClose }: { readonly run: string; readonly tenant: string; readonly onClose: () => void }) {
  const [reason, setReason] = useState("");
  const plan = useQuery(runUndoQuery(run, tenant));
  const undo = useMutation({
    mutationFn: async () =>
      answerOf(
        api.POST("/api/v1/runs/{run}/undo", {
          params: { path: { run }, query: { tenant } },
          body: reason.trim() === "" ? {} : { reason: reason.trim() },
        }),
      ),
    onSuccess: afterUndo,
  });
  const calls = plan.data?.calls ?? [];
  const possible = calls.some((call) => call.possible);
  return (
    <Dialog title="Undo this run" wide onClose={onClose}>
      <div className="grid gap-3">
        <ProblemNote error={plan.error ?? undo.error} />
        {plan.isPending ? <Skeleton lines={4} label="Reading the run" /> : undefined}
        {undo.data === undefined ? <Planned calls={calls} read={plan.data !== undefined} /> : <Result outcome={undo.data} />}
        {possible && undo.data === undefined ? (
          <TextField
            label="Reason"
            hint="The log is told, and people who are asked."
            maxLength={500}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        ) : undefined}
        <div className="flex flex-wrap justify-end gap-2">
          <Button data-autofocus onClick={onClose}>
            {undo.data === undefined ? "Leave it" : "Close"}
          </Button>
          {possible && undo.data === undefined ? (
            <Button look="deny" disabled={undo.isPending} onClick={() => undo.mutate()}>
              Undo the run
            </Button>
          ) : undefined}
        </div>
      </div>
    </Dialog>
  );
}

function Planned({ calls, read }: { readonly calls: readonly Schema<"UndoProposal">[]; readonly read: boolean }) {
  if (!read) return undefined;
  if (calls.length === 0) return <p>The run has no calls that changed anything.</p>;
  return (
    <>
      <p>In this order, until one does not go through. Each goes by the policy, and none over what somebody has changed since.</p>
      <ol aria-label="Calls to undo" className="grid gap-2">
        {calls.map(({ call, action, possible, message, undo }) => (
          <li key={call} className="border-t border-line pt-1 first:border-0">
            <Link to="/calls/$id" params={{ id: call }}>
              <Text>{action ?? call}</Text>
            </Link>
            {possible ? undefined : (
              <p className="text-soft">
                not undone: <Words>{message ?? ""}</Words>
              </p>
            )}
            {undo === undefined || undo.changes.length === 0 ? undefined : (
              <ThreeWay label={`What ${action ?? call} changed`} changes={undo.changes} />
            )}
          </li>
        ))}
      </ol>
    </>
  );
}

function Result({ outcome: { complete, steps } }: { readonly outcome: Schema<"RunUndone"> }) {
  return (
    <div role="status" className="grid gap-2">
      <p className={complete ? "font-semibold text-allow" : "font-semibold text-deny"}>
        {complete ? "Everything that can be undone is." : "It stopped before the end: what came before stays as it is."}
      </p>
      <ol aria-label="What became of each call" className="grid gap-2">
        {steps.map(({ call, action, state, message, approval, changes }) => (
          <li key={call} className="border-t border-line pt-1 first:border-0">
            <Link to="/calls/$id" params={{ id: call }}>
              <Text>{action ?? call}</Text>
            </Link>
            : <strong>{state.replaceAll("_", " ")}</strong>
            {message === undefined ? undefined : (
              <>
                , <Words>{message}</Words>
              </>
            )}
            {approval === undefined ? undefined : (
              <>
                ,{" "}
                <Link to="/approvals/$id" params={{ id: approval }}>
                  people are asked
                </Link>
              </>
            )}
            {changes === undefined || changes.length === 0 ? undefined : <ThreeWay label="The record in three states" changes={changes} />}
          </li>
        ))}
      </ol>
    </div>
  );
}
