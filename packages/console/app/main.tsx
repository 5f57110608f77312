import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startLive } from "./api/live.ts";
import { watchPerson } from "./api/person.ts";
import { queryClient } from "./api/queries.ts";
import { router } from "./router.tsx";
import { startKeys } from "./shell/keys.ts";

const JUST_LOADED_MS = 3_000;

const place = document.getElementById("app");
if (place === null) throw new Error("the page has no place for the application");
// Links that agents were given before the console had addresses of its own.
if (/^#\/(?:approvals|calls)\/[\w-]+$/u.test(location.hash)) location.replace(location.hash.slice(1));
// A broker that was upgraded has other files than those this page would load later. A page that was just loaded has no newer ones to hope for.
addEventListener("vite:preloadError", () => {
  if (performance.now() > JUST_LOADED_MS) location.reload();
});
startKeys();
watchPerson();
startLive(queryClient);
createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
