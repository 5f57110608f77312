import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answerOf, api } from "../../api/client.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { say } from "../../ui/toast.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { shortName } from "./agent-name.ts";

/** What a stop does: `suspended` can be lifted, `retired` cannot. */
type State = "suspended" | "retired";

/** The kill switch of one agent: says what happens and asks for the reason. The answer that changes nothing has the focus: a key pressed too early stops nobody. */
export function StopDialog({ agent, onClose }: { readonly agent: string; readonly onClose: () => void }) {
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const [state, setState] = useState<State>("suspended");
  const queries = useQueryClient();
  const stop = useMutation({
    mutationFn: async () => answerOf(api.POST("/api/v1/stops", { body: { kind: "agent", name: agent, reason: reason.trim(), state } })),
    onSuccess: async ({ inFlight }) => {
      say(inFlight.length === 0 ? "Stopped. Nothing was under way." : `Stopped. Under way were: ${inFlight.join(", ")}`);
      await queries.invalidateQueries({ queryKey: ["agents"] });
      onClose();
    },
  });
  return (
    <Dialog title={`Stop ${shortName(agent)}`} onClose={onClose}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(reason.trim() === "");
          if (reason.trim() !== "") stop.mutate();
        }}
      >
        <p>
          The next call of <Text>{agent}</Text> is refused, on every broker. Calls under way are cancelled where the tool can do that.
        </p>
        <TextField
          label="Reason"
          hint="The agent and the log are told."
          error={missing ? "Say why: whoever lifts the stop needs to know." : undefined}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <fieldset className="grid gap-1">
          <legend className="font-medium">For how long</legend>
          <Choice value="suspended" chosen={state} onChoose={setState} says="until someone lifts it" />
          <Choice value="retired" chosen={state} onChoose={setState} says="for good: this stop cannot be lifted" />
        </fieldset>
        <ProblemNote error={stop.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button data-autofocus onClick={onClose}>
            Leave it running
          </Button>
          <Button type="submit" look="deny" disabled={stop.isPending}>
            Stop the agent
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Choice(props: {
  readonly value: State;
  readonly chosen: State;
  readonly onChoose: (state: State) => void;
  readonly says: string;
}) {
  const { value, chosen, onChoose, says } = props;
  return (
    <label className="flex items-center gap-2">
      <input type="radio" name="state" value={value} checked={chosen === value} onChange={() => onChoose(value)} />
      {says}
    </label>
  );
}

/** Lifts a stop of the agent itself. */
export function LiftDialog({ agent, onClose }: { readonly agent: string; readonly onClose: () => void }) {
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const queries = useQueryClient();
  const lift = useMutation({
    mutationFn: async () => answerOf(api.POST("/api/v1/stops/lift", { body: { kind: "agent", name: agent, reason: reason.trim() } })),
    onSuccess: async () => {
      say("The agent may act again.");
      await queries.invalidateQueries({ queryKey: ["agents"] });
      onClose();
    },
  });
  return (
    <Dialog title={`Let ${shortName(agent)} act again`} onClose={onClose}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(reason.trim() === "");
          if (reason.trim() !== "") lift.mutate();
        }}
      >
        <TextField
          label="Reason"
          hint="The log is told."
          error={missing ? "Say why the stop is no longer needed." : undefined}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <ProblemNote error={lift.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button data-autofocus onClick={onClose}>
            Leave it stopped
          </Button>
          <Button type="submit" look="allow" disabled={lift.isPending}>
            Lift the stop
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
