import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { Button } from "../../ui/button.tsx";
import { Code, CodeBlock } from "../../ui/code.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { ThreeWay } from "../../ui/three-way.tsx";
import { say } from "../../ui/toast.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { Words } from "../../ui/words.tsx";
import { afterUndo, undoQuery, useMayUndo } from "./undo-queries.ts";

type Undone = Schema<"Undone">;

/** A button for whoever may take the call back; none where nothing was changed, or somebody has done so. */
export function UndoCall({ call, onUndone }: { readonly call: Schema<"CallDetail">; readonly onUndone: () => void }) {
  const [open, setOpen] = useState(false);
  const may = useMayUndo(call.agent);
  const reads = call.effect === undefined || call.effect === "read" || call.effect === "export";
  if (!may || reads || call.status !== "succeeded" || call.undoneBy !== undefined) return undefined;
  return (
    <>
      <Button onClick={() => setOpen(true)}>Undo</Button>
      {open ? <UndoDialog callId={call.callId} onClose={() => setOpen(false)} onUndone={onUndone} /> : undefined}
    </>
  );
}

/** What would happen to the record, and the answer. The one that changes nothing has the focus. */
function UndoDialog(props: { readonly callId: string; readonly onClose: () => void; readonly onUndone: () => void }) {
  const { callId, onClose, onUndone } = props;
  const [reason, setReason] = useState("");
  const proposal = useQuery(undoQuery(callId));
  const undo = useMutation({
    mutationFn: async () =>
      answerOf(
        api.POST("/api/v1/calls/{callId}/undo", {
          params: { path: { callId } },
          body: reason.trim() === "" ? {} : { reason: reason.trim() },
        }),
      ),
    onSuccess: async ({ state }) => {
      if (state === "undone") {
        say("Undone.");
        onClose();
        onUndone();
      }
      await afterUndo();
    },
  });
  const { data } = proposal;
  const proposed = data?.undo;
  return (
    <Dialog title="Undo this call" wide onClose={onClose}>
      <div className="grid gap-3">
        <ProblemNote error={proposal.error ?? undo.error} />
        {data === undefined && proposal.error === null ? <Skeleton lines={4} label="Looking at the record" /> : undefined}
        {data === undefined || data.possible ? undefined : (
          <p>
            It cannot be undone: <Words>{data.message ?? ""}</Words>.
          </p>
        )}
        {proposed === undefined || undo.data !== undefined ? undefined : <Proposed undo={proposed} />}
        {undo.data === undefined ? undefined : <NotUndone outcome={undo.data} />}
        {proposed === undefined || proposed.verdict === "deny" || undo.data !== undefined ? undefined : (
          <TextField
            label="Reason"
            hint="The log is told, and people who are asked."
            maxLength={500}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
        <div className="flex flex-wrap justify-end gap-2">
          <Button data-autofocus onClick={onClose}>
            {undo.data === undefined ? "Leave it" : "Close"}
          </Button>
          {proposed === undefined || proposed.verdict === "deny" || undo.data !== undefined ? undefined : (
            <Button look="deny" disabled={undo.isPending} onClick={() => undo.mutate()}>
              {proposed.verdict === "ask" ? "Ask for the undo" : "Undo it"}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function Proposed({ undo }: { readonly undo: NonNullable<Schema<"UndoProposal">["undo"]> }) {
  const { action, args, changes, notRestored, verdict, denied } = undo;
  const conflict = changes.some((change) => change.conflict);
  return (
    <>
      <p>
        <Code>{action}</Code> is called for the same agent, user and task{verdict === "ask" ? ", once people have said yes" : ""}.
      </p>
      {conflict ? (
        <p role="alert" className="font-semibold text-deny">
          Somebody has changed the record since. It is not undone over that.
        </p>
      ) : undefined}
      {denied === undefined ? undefined : (
        <p role="alert" className="font-semibold text-deny">
          The policy does not allow it: <Words>{denied.message}</Words>.
        </p>
      )}
      {changes.length === 0 ? (
        <p>The record cannot be looked at before.</p>
      ) : (
        <ThreeWay label="The record in three states" changes={changes} />
      )}
      {notRestored.length === 0 ? undefined : (
        <p>
          Fields that stay as they are: <Text>{notRestored.join(", ")}</Text>
        </p>
      )}
      <details>
        <summary className="min-h-6 text-soft">Its arguments</summary>
        <CodeBlock label="Arguments of the undo">{JSON.stringify(args, undefined, 2)}</CodeBlock>
      </details>
    </>
  );
}

function NotUndone({ outcome }: { readonly outcome: Undone }) {
  const { state, message, approval, approvers, changes, undo } = outcome;
  if (state === "undone") return undefined;
  return (
    <div role="status" className="grid gap-2">
      {state === "pending" && approval !== undefined ? (
        <p>
          People are asked ({approvers?.join(", ")}):{" "}
          <Link to="/approvals/$id" params={{ id: approval }}>
            the question
          </Link>
          . After their yes, undo this call again.
        </p>
      ) : (
        <p className="font-semibold text-deny">
          It is not undone: <Words>{message ?? state}</Words>.
        </p>
      )}
      {changes === undefined || changes.length === 0 ? undefined : <ThreeWay label="The record in three states" changes={changes} />}
      {undo === undefined ? undefined : (
        <p>
          <Link to="/calls/$id" params={{ id: undo }}>
            The call that tried
          </Link>
        </p>
      )}
    </div>
  );
}
