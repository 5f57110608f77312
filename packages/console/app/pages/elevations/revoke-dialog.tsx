import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { answerOf, api } from "../../api/client.ts";
import { queryClient } from "../../api/queries.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { say } from "../../ui/toast.tsx";
import { Words } from "../../ui/words.tsx";
import type { Elevation } from "./elevation-queries.ts";

/** The answer that changes nothing has the focus. */
export function RevokeDialog({ of, onClose }: { readonly of: Elevation; readonly onClose: () => void }): ReactNode {
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const revoke = useMutation({
    mutationFn: async () =>
      answerOf(api.POST("/api/v1/elevations/{id}/revoke", { params: { path: { id: of.id } }, body: { reason: reason.trim() } })),
    onSuccess: async () => {
      say("Taken back: the agent's next call does not have it.");
      await queryClient.invalidateQueries({ queryKey: ["elevations"] });
      onClose();
    },
  });
  return (
    <Dialog title="Take this right back" onClose={onClose}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(reason.trim() === "");
          if (reason.trim() !== "") revoke.mutate();
        }}
      >
        <p>
          <Words>{of.sentence}</Words>. From its next call on the agent does not have it, on any broker. A call that has begun is not broken
          off.
        </p>
        <TextField
          label="Reason"
          hint="The agent is told, and the record says it."
          error={missing ? "Say why." : undefined}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <ProblemNote error={revoke.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button data-autofocus onClick={onClose}>
            Leave it
          </Button>
          <Button type="submit" look="deny" disabled={revoke.isPending}>
            Take it back
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
