import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { queryClient } from "../../api/queries.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Select, TextField } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { say } from "../../ui/toast.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { peopleQuery } from "./duty-queries.ts";

type Me = Schema<"Me">;
type Errors = Partial<Record<"to" | "ends" | "reason", string>>;

const WEEK_MS = 7 * 86_400_000;

/** Who answers meanwhile, in which roles, until when and why. An owner may say it for others. */
export function DutyForm({ me, onClose }: { readonly me: Me; readonly onClose: () => void }) {
  const chosen = useTenant();
  const [tenant, setTenant] = useState(chosen ?? me.tenants[0] ?? "");
  const [from, setFrom] = useState(me.id);
  const [to, setTo] = useState("");
  const [roles, setRoles] = useState<readonly string[]>([]);
  const [begins, setBegins] = useState("");
  const [ends, setEnds] = useState(() => localTime(Date.now() + WEEK_MS));
  const [reason, setReason] = useState("");
  const [errors, setErrors] = useState<Errors>({});
  const people = useQuery(peopleQuery);
  const here = (people.data ?? []).filter((person) => person.tenants.includes(tenant) && !person.roles.includes("auditor"));
  const away = from === me.id ? me : here.find(({ id }) => id === from);
  const put = useMutation({
    mutationFn: async () =>
      answerOf(
        api.POST("/api/v1/duties", {
          body: {
            tenant,
            from,
            to,
            roles: [...roles],
            ...(begins === "" ? {} : { begins: new Date(begins).toISOString() }),
            ends: new Date(ends).toISOString(),
            reason: reason.trim(),
          },
        }),
      ),
    onSuccess: async (duty) => {
      say(`${duty.to} answers for ${duty.from}.`);
      await queryClient.invalidateQueries({ queryKey: ["duties"] });
      onClose();
    },
  });
  const submit = (): void => {
    const missing = missingIn({ to, ends, reason });
    setErrors(missing);
    if (Object.keys(missing).length === 0) put.mutate();
  };
  return (
    <Dialog title="Let somebody answer while you are away" onClose={onClose}>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {me.tenants.length > 1 ? (
          <Select label="Tenant" value={tenant} onChange={(event) => setTenant(event.target.value)}>
            {me.tenants.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </Select>
        ) : undefined}
        {me.roles.includes("owner") ? (
          <Select
            label="Who is away"
            value={from}
            onChange={(event) => {
              setFrom(event.target.value);
              setRoles([]);
            }}
          >
            <option value={me.id}>{me.name} (you)</option>
            {here
              .filter(({ id }) => id !== me.id)
              .map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
          </Select>
        ) : undefined}
        <Select data-autofocus label="Who answers" error={errors.to} value={to} onChange={(event) => setTo(event.target.value)}>
          <option value="">choose a person</option>
          {here
            .filter(({ id }) => id !== from && id !== me.id)
            .map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
        </Select>
        <RoleChoice of={away?.roles ?? []} chosen={roles} onChange={setRoles} />
        <TextField
          label="Begins"
          hint="Empty: now."
          type="datetime-local"
          value={begins}
          onChange={(event) => setBegins(event.target.value)}
        />
        <TextField
          label="Ends"
          hint="60 days after it begins at the latest."
          type="datetime-local"
          error={errors.ends}
          value={ends}
          onChange={(event) => setEnds(event.target.value)}
        />
        <TextField
          label="Reason"
          hint="Everybody of the tenant reads it, and the log."
          error={errors.reason}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <ProblemNote error={people.error ?? put.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="main" disabled={put.isPending}>
            Let them answer
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function RoleChoice(props: {
  readonly of: readonly string[];
  readonly chosen: readonly string[];
  readonly onChange: (roles: readonly string[]) => void;
}) {
  const { of, chosen, onChange } = props;
  if (of.length < 2) return undefined;
  return (
    <fieldset className="grid gap-1">
      <legend className="font-medium">In which roles</legend>
      {of.map((role) => (
        <label key={role} className="flex min-h-6 items-center gap-2">
          <input
            type="checkbox"
            checked={chosen.includes(role)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, role] : chosen.filter((each) => each !== role))}
          />
          <Text>{role}</Text>
        </label>
      ))}
      <p className="text-soft">None chosen: in all of them.</p>
    </fieldset>
  );
}

function missingIn({ to, ends, reason }: { readonly to: string; readonly ends: string; readonly reason: string }): Errors {
  return {
    ...(to === "" ? { to: "Choose who answers meanwhile." } : {}),
    ...(ends === "" || Number.isNaN(new Date(ends).getTime()) ? { ends: "Say when it ends." } : {}),
    ...(reason.trim() === "" ? { reason: "Say why, such as: on holiday." } : {}),
  };
}

/** As `datetime-local` wants it: the time of this place, to the minute. */
function localTime(ms: number): string {
  const offset = new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - offset).toISOString().slice(0, 16);
}
