import { useQuery } from "@tanstack/react-query";
import { useTenant } from "../shell/tenant.ts";
import { answerOf, api } from "./client.ts";

/** How many held calls wait for a person in the chosen tenants; undefined until that is known. */
export function usePendingCount(): number | undefined {
  const tenant = useTenant();
  const { data } = useQuery({
    queryKey: ["approvals", "count", tenant ?? null],
    queryFn: async () =>
      answerOf(
        api.GET("/api/v1/approvals", { params: { query: { state: "pending", limit: 1, ...(tenant === undefined ? {} : { tenant }) } } }),
      ),
  });
  return data?.pending;
}
