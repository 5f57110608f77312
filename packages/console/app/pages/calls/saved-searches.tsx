import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { answerOf, api, type Schema } from "../../api/client.ts";
import { queryClient, useMe } from "../../api/queries.ts";
import { useTenant } from "../../shell/tenant.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Select, TextField } from "../../ui/field.tsx";
import { ProblemNote } from "../../ui/problem.tsx";
import { say } from "../../ui/toast.tsx";
import { Text } from "../../ui/untrusted.tsx";
import { type CallFilter, filterOf, queryOf } from "./filter.ts";

type Search = Schema<"SavedSearch">;

/** Searches that people of the tenant saved: chosen, saved and removed here. */
export function SavedSearches({ filter, onChoose }: { readonly filter: CallFilter; readonly onChoose: (search: Search) => void }) {
  const [open, setOpen] = useState<"list" | "save" | undefined>();
  const close = (): void => setOpen(undefined);
  return (
    <>
      <Button onClick={() => setOpen("list")}>Saved searches</Button>
      <Button onClick={() => setOpen("save")} disabled={Object.keys(filter).length === 0}>
        Save this search
      </Button>
      {open === "list" ? (
        <List
          onClose={close}
          onChoose={(search) => {
            close();
            onChoose(search);
          }}
        />
      ) : undefined}
      {open === "save" ? <Save filter={filter} onClose={close} /> : undefined}
    </>
  );
}

function List({ onClose, onChoose }: { readonly onClose: () => void; readonly onChoose: (search: Search) => void }) {
  const tenant = useTenant();
  const me = useMe();
  const { data, error, refetch } = useQuery({
    queryKey: ["searches", tenant ?? null],
    queryFn: async () => answerOf(api.GET("/api/v1/searches", { params: { query: tenant === undefined ? {} : { tenant } } })),
  });
  const remove = useMutation({
    mutationFn: async (search: Search) =>
      answerOf(api.POST("/api/v1/searches/{name}/remove", { params: { path: { name: search.name } }, body: { tenant: search.tenant } })),
    onSuccess: ({ name }) => {
      say(`the search ${name} is removed`);
      void queryClient.invalidateQueries({ queryKey: ["searches"] });
    },
  });
  return (
    <Dialog title="Saved searches" onClose={onClose}>
      <ProblemNote error={error ?? remove.error} onRetry={error === null ? undefined : () => void refetch()} />
      {data?.searches.length === 0 ? <p className="text-soft">Nobody has saved a search yet: find something, then save it.</p> : undefined}
      <ul className="grid gap-1">
        {data?.searches.map((search) => (
          <li
            key={`${search.tenant} ${search.name}`}
            className="flex flex-wrap items-center justify-between gap-2 border-t border-line pt-1"
          >
            <span className="min-w-0">
              <Button look="quiet" onClick={() => onChoose(search)}>
                <Text>{search.name}</Text>
              </Button>
              <span className="text-soft">
                <Text>{search.owner ?? "the operator key"}</Text>, <Text>{search.tenant}</Text>
              </span>
            </span>
            {search.owner === me?.id ? (
              <Button onClick={() => remove.mutate(search)} aria-label={`Remove ${search.name}`}>
                Remove
              </Button>
            ) : undefined}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function Save({ filter, onClose }: { readonly filter: CallFilter; readonly onClose: () => void }) {
  const chosen = useTenant();
  const tenants = useMe()?.tenants ?? [];
  const [name, setName] = useState("");
  const [tenant, setTenant] = useState(chosen ?? "");
  const save = useMutation({
    mutationFn: async () =>
      answerOf(
        api.POST("/api/v1/searches", {
          body: { name, filter: queryOf(filter, undefined), tenant: tenant === "" ? (tenants[0] ?? "") : tenant },
        }),
      ),
    onSuccess: () => {
      say(`the search ${name} is saved for everybody of the tenant`);
      void queryClient.invalidateQueries({ queryKey: ["searches"] });
      onClose();
    },
  });
  const send = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog title="Save this search" onClose={onClose}>
      <form onSubmit={send} className="grid gap-3">
        <TextField
          label="Name"
          required
          maxLength={80}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.target.value)}
          hint="Letters, digits, spaces, `.`, `_` and `-`. Everybody of the tenant can use it."
        />
        {tenants.length > 1 ? (
          <Select label="Tenant" value={tenant === "" ? tenants[0] : tenant} onChange={(event) => setTenant(event.target.value)}>
            {tenants.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </Select>
        ) : undefined}
        <ProblemNote error={save.error} />
        <Button type="submit" look="main" disabled={save.isPending}>
          Save
        </Button>
      </form>
    </Dialog>
  );
}

/** The address of a search: its filter, and its tenant where a person has several. */
export function searchAddress({ filter, tenant }: Search): CallFilter & { readonly tenant: string } {
  return { ...filterOf(filter), tenant };
}
