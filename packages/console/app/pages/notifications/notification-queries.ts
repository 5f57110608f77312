import { queryOptions } from "@tanstack/react-query";
import { answerOf, api, type Schema } from "../../api/client.ts";

export type Delivery = Schema<"Notification">;

/** In the order in which a person has to know of them. */
export const DELIVERY_STATES = ["dead", "waiting", "sent", "cancelled"] as const;

/** The newest; more are looked for by state. */
const SHOWN = 200;

/** Messages to people, newest first. A state that there is none of asks for all. */
export function notificationsQuery(tenant: string | undefined, asked: string | undefined) {
  const state = DELIVERY_STATES.find((each) => each === asked);
  const query = { limit: SHOWN, ...(tenant === undefined ? {} : { tenant }), ...(state === undefined ? {} : { state }) };
  return queryOptions({
    queryKey: ["notifications", tenant ?? null, state ?? null],
    queryFn: async () => answerOf(api.GET("/api/v1/notifications", { params: { query } })),
  });
}
