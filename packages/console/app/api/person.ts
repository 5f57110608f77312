import { api, type Schema } from "./client.ts";

/** Whose answers this page holds; undefined until one came. */
let shownTo: string | undefined;

/** Notes who is signed in, from the broker's first answer to that question. */
export function noteShownTo(me: Schema<"Me">): void {
  shownTo ??= me.id;
}

/** Before anything is changed, and when the page is looked at again, sees to it that it is still the same person's. */
export function watchPerson(): void {
  api.use({
    onRequest: async ({ request }) => {
      if (request.method !== "GET") await untilSamePerson();
    },
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void untilSamePerson();
  });
}

/**
 * Waits until the browser is known to be signed in as the person whose page this is. Tabs share one sign-in: when somebody else signs in in
 * another tab, what is shown here is still the first person's, and an answer given here would be the second one's. Then the page is loaded
 * anew, nothing of the first person stays in it, and this never resolves.
 */
export async function untilSamePerson(): Promise<void> {
  if (shownTo === undefined) return;
  // Whoever is signed out, or cannot be asked, learns it from what comes next.
  const { data } = await api.GET("/api/v1/me").catch(() => ({ data: undefined }));
  if (data === undefined || data.id === shownTo) return;
  location.reload();
  await new Promise(() => {});
}
