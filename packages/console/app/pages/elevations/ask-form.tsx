import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { answerOf, api } from "../../api/client.ts";
import { queryClient } from "../../api/queries.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Select, TextField } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { say } from "../../ui/toast.tsx";
import { ScopeChoice } from "./scope-choice.tsx";

interface EligibleRole {
  readonly agent: string;
  readonly role: string;
  readonly reason: string;
  readonly mostMinutes: number;
  readonly scopes: readonly string[];
  readonly approvers: readonly string[];
}

const USUAL_MINUTES = 60;

/** For which agent, which role, how long and why. Somebody else answers. */
export function AskForm({ roles, onClose }: { readonly roles: readonly EligibleRole[]; readonly onClose: () => void }): ReactNode {
  const [at, setAt] = useState(0);
  const [scope, setScope] = useState<readonly string[]>([]);
  const [task, setTask] = useState("");
  const [reason, setReason] = useState("");
  const [minutes, setMinutes] = useState("");
  const [missing, setMissing] = useState(false);
  const chosen = roles[at];
  const usual = Math.min(USUAL_MINUTES, chosen?.mostMinutes ?? USUAL_MINUTES);
  const ask = useMutation({
    mutationFn: async () =>
      answerOf(
        api.POST("/api/v1/elevations", {
          body: {
            agent: chosen?.agent ?? "",
            role: chosen?.role ?? "",
            scope: [...scope],
            ...(task.trim() === "" ? {} : { task: task.trim() }),
            minutes: minutes === "" ? usual : Number(minutes),
            reason: reason.trim(),
          },
        }),
      ),
    onSuccess: async ({ approvers }) => {
      say(`Asked. It waits for ${approvers.join(" or ")}.`);
      await queryClient.invalidateQueries({ queryKey: ["elevations"] });
      onClose();
    },
  });
  if (chosen === undefined) return undefined;
  return (
    <Dialog title="Ask for a right for an agent" onClose={onClose}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(reason.trim() === "");
          if (reason.trim() !== "") ask.mutate();
        }}
      >
        <Select
          data-autofocus
          label="Agent and role"
          hint={`${chosen.reason}. Answered by ${chosen.approvers.join(" or ")}, never by you.`}
          value={at}
          onChange={(event) => {
            setAt(Number(event.target.value));
            setScope([]);
          }}
        >
          {roles.map(({ agent, role }, index) => (
            <option key={`${agent} ${role}`} value={index}>
              {role}: {agent}
            </option>
          ))}
        </Select>
        <ScopeChoice of={chosen.scopes} chosen={scope} none="None chosen: all of the role." onChange={setScope} />
        <TextField
          label="Minutes"
          hint={`At most ${chosen.mostMinutes}. Empty: ${usual}.`}
          type="number"
          min={1}
          max={chosen.mostMinutes}
          value={minutes}
          onChange={(event) => setMinutes(event.target.value)}
        />
        <TextField
          label="Task"
          hint="Empty: for every session of the agent."
          maxLength={200}
          value={task}
          onChange={(event) => setTask(event.target.value)}
        />
        <TextField
          label="Reason"
          hint="Whoever answers reads it."
          error={missing ? "Say why it is needed." : undefined}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <ProblemNote error={ask.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="main" disabled={ask.isPending}>
            Ask
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
