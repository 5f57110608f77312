import { useMutation } from "@tanstack/react-query";
import { answerOf, api } from "../../api/client.ts";
import { queryClient, useMe } from "../../api/queries.ts";
import { Button } from "../../ui/button.tsx";
import { say } from "../../ui/toast.tsx";
import { mayOperate } from "../agents/agent-queries.ts";
import type { Delivery } from "./notification-queries.ts";

/** Sends a message once more that was given up. */
export function Retry({ of: { id, to, state } }: { readonly of: Delivery }) {
  const may = mayOperate(useMe());
  const retrying = useMutation({
    mutationFn: async () => answerOf(api.POST("/api/v1/notifications/{id}/retry", { params: { path: { id } } })),
    onSuccess: ({ channel }) => say(`It is sent again by ${channel}.`),
    onError: (error) => say(`Not sent again: ${error.message}.`, "failed"),
    onSettled: async () => queryClient.invalidateQueries({ queryKey: ["notifications"] }),
  });
  if (state !== "dead" || !may) return undefined;
  return (
    <Button disabled={retrying.isPending} aria-label={`Send again to ${to}`} onClick={() => retrying.mutate()}>
      Send again
    </Button>
  );
}
