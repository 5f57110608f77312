import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { queryClient, useMe } from "../../api/queries.ts";
import { useShortcuts } from "../../shell/keys.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Empty } from "../../ui/empty.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Time } from "../../ui/time.tsx";
import { say } from "../../ui/toast.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { DutyForm } from "./duty-form.tsx";
import { dutiesQuery, mayLend } from "./duty-queries.ts";

type Duty = Schema<"Duty">;

const STATES = {
  in_force: { tone: "allow", says: "in force" },
  to_come: { tone: "ask", says: "to come" },
  ended: { tone: "plain", says: "ended" },
  revoked: { tone: "plain", says: "ended early" },
} as const;

/** Duties in force, to come and of the last 30 days. */
export function Duties() {
  const me = useMe();
  const { data, error, refetch } = useQuery(dutiesQuery(useTenant()));
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Duty>();
  const may = mayLend(me);
  useShortcuts(may ? [{ key: "n", does: "let somebody answer for you", run: () => setMaking(true) }] : []);
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
        <p className="max-w-prose text-soft">
          While you are away another person answers in your roles. It lends nothing else, and nobody answers what you could not.
        </p>
        {may ? (
          <Button look="main" shortcut="n" onClick={() => setMaking(true)}>
            Let somebody answer for you
          </Button>
        ) : undefined}
      </div>
      <ProblemNote error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null ? <Skeleton /> : undefined}
      {data?.length === 0 ? (
        <Empty
          title="Nobody answers for anybody."
          command={`bailiwick duty put --as ${me?.id ?? "<person>"} --to <person> --for 14d --reason <text>`}
        >
          Questions that only you can answer expire while you are away, unless somebody answers for you.
        </Empty>
      ) : undefined}
      <ul className="grid gap-2">
        {data?.map((duty) => (
          <li key={duty.id} className="rounded border border-line bg-card px-3 py-2">
            <DutyLine duty={duty} onEnd={() => setEnding(duty)} />
          </li>
        ))}
      </ul>
      {making && may ? <DutyForm me={me} onClose={() => setMaking(false)} /> : undefined}
      {ending === undefined ? undefined : <EndDialog duty={ending} onClose={() => setEnding(undefined)} />}
    </>
  );
}

function DutyLine({ duty, onEnd }: { readonly duty: Duty; readonly onEnd: () => void }) {
  const { from, to, tenant, roles, begins, ends, revokedAt, reason, state, mayEnd } = duty;
  const { tone, says } = STATES[state];
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-1">
      <div className="min-w-0">
        <p>
          <Badge tone={tone}>{says}</Badge> <Text className="font-semibold">{to}</Text> answers for{" "}
          <Text className="font-semibold">{from}</Text> in <Text>{tenant}</Text>
          {roles.length === 0 ? ", in all their roles" : `, as ${roles.join(", ")}`}
        </p>
        <p className="text-soft">
          {state === "to_come" ? "begins" : "began"} <Time at={begins} />, {state === "ended" ? "ended" : "ends"}{" "}
          <Time at={revokedAt ?? ends} />. <Text>{reason}</Text>
        </p>
      </div>
      {mayEnd ? (
        <Button look="deny" onClick={onEnd} aria-label={`End it: ${to} answers for ${from}`}>
          End it
        </Button>
      ) : undefined}
    </div>
  );
}

/** The answer that changes nothing has the focus. */
function EndDialog({ duty, onClose }: { readonly duty: Duty; readonly onClose: () => void }) {
  const end = useMutation({
    mutationFn: async () => answerOf(api.POST("/api/v1/duties/{id}/revoke", { params: { path: { id: duty.id } }, body: {} })),
    onSuccess: async () => {
      say(`${duty.to} no longer answers for ${duty.from}.`);
      await queryClient.invalidateQueries({ queryKey: ["duties"] });
      onClose();
    },
  });
  return (
    <Dialog title="End this duty" onClose={onClose}>
      <p className="mb-3">
        From now on <Text>{duty.to}</Text> answers only in their own roles. What they answered stays answered.
      </p>
      <ProblemNote error={end.error} />
      <div className="flex flex-wrap justify-end gap-2">
        <Button data-autofocus onClick={onClose}>
          Leave it
        </Button>
        <Button look="deny" disabled={end.isPending} onClick={() => end.mutate()}>
          End it
        </Button>
      </div>
    </Dialog>
  );
}
