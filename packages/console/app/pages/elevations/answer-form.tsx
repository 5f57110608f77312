import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { signWithPasskey } from "../../api/passkey.ts";
import { queryClient } from "../../api/queries.ts";
import { Button } from "../../ui/button.tsx";
import { Code } from "../../ui/code.tsx";
import { valueText } from "../../ui/diff.tsx";
import { TextField } from "../../ui/field.tsx";
import { Pairs } from "../../ui/pairs.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { say } from "../../ui/toast.tsx";
import type { Elevation } from "./elevation-queries.ts";
import { ScopeChoice } from "./scope-choice.tsx";

type ToSign = Schema<"ToSign">;

/** Yes to what was asked or to less, or no with a reason. Where a rule wants it, the yes is signed over exactly what is shown. */
export function AnswerForm({ of }: { readonly of: Elevation }): ReactNode {
  const { id, minutes: asked, stepUp } = of;
  const possible = of.scope.length === 0 ? of.roleScopes : of.scope;
  const [scope, setScope] = useState<readonly string[]>(of.scope);
  const [minutes, setMinutes] = useState(String(asked));
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const [toSign, setToSign] = useState<ToSign>();
  const path = { path: { id } };
  const bounds = { scope: [...scope], minutes: Number(minutes) };
  const said = reason.trim() === "" ? {} : { reason: reason.trim() };
  const done = async ({ state }: Elevation): Promise<void> => {
    setToSign(undefined);
    say(
      state === "active"
        ? "Given."
        : state === "denied"
          ? "Denied: whoever asked is told why."
          : "Your yes counts; others must say so too.",
    );
    await queryClient.invalidateQueries({ queryKey: ["elevations"] });
  };
  const approve = useMutation({
    mutationFn: async (): Promise<Elevation | ToSign> => {
      if (stepUp && toSign === undefined) return answerOf(api.POST("/api/v1/elevations/{id}/step-up", { params: path, body: bounds }));
      const signed =
        toSign === undefined ? {} : { stepUp: { document: toSign.document, assertion: await signWithPasskey(toSign.options) } };
      return answerOf(api.POST("/api/v1/elevations/{id}/approve", { params: path, body: { ...bounds, ...said, ...signed } }));
    },
    onSuccess: async (made) => ("document" in made ? setToSign(made) : done(made)),
  });
  const deny = useMutation({
    mutationFn: async () => answerOf(api.POST("/api/v1/elevations/{id}/deny", { params: path, body: { reason: reason.trim() } })),
    onSuccess: done,
  });
  const busy = approve.isPending || deny.isPending;
  return (
    <section aria-labelledby="answer" className="grid gap-3 rounded border border-edge bg-card px-3 py-3">
      <h2 id="answer" className="text-base">
        Your answer
      </h2>
      <ScopeChoice
        of={possible}
        chosen={scope}
        none={
          of.scope.length === 0 ? "None chosen: all of the role." : "Choose at least one; those that were not asked for cannot be given."
        }
        onChange={(next) => {
          setScope(next);
          setToSign(undefined);
        }}
      />
      <TextField
        label="Minutes"
        hint={`At most ${asked}, as asked.`}
        type="number"
        min={1}
        max={asked}
        value={minutes}
        onChange={(event) => {
          setMinutes(event.target.value);
          setToSign(undefined);
        }}
      />
      <TextField
        label="Reason"
        hint="Needed for a no: whoever asked is told."
        error={missing ? "Say why not." : undefined}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      {toSign === undefined ? undefined : <Signed document={toSign.document} />}
      <ProblemNote error={approve.error ?? deny.error} />
      <div className="flex flex-wrap justify-end gap-2">
        <Button
          look="deny"
          disabled={busy}
          onClick={() => {
            setMissing(reason.trim() === "");
            if (reason.trim() !== "") deny.mutate();
          }}
        >
          Deny
        </Button>
        <Button look="allow" disabled={busy || (of.scope.length > 0 && scope.length === 0)} onClick={() => approve.mutate()}>
          {toSign === undefined ? (stepUp ? "Show what I sign" : "Give the right") : "Sign with a passkey"}
        </Button>
      </div>
    </section>
  );
}

/** Everything that the passkey signs. */
function Signed({ document }: { readonly document: ToSign["document"] }): ReactNode {
  return (
    <div className="rounded border border-line bg-paper px-3 py-2">
      <p className="mb-1 font-semibold">You sign exactly this:</p>
      <Pairs of={Object.entries(document).map(([member, value]) => [member, <Code key={member}>{valueText(value)}</Code>] as const)} />
    </div>
  );
}
