import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  parseSearchWith,
  retainSearchParams,
  stringifySearchWith,
} from "@tanstack/react-router";
import type { AppPath } from "../src/paths.ts";
import { CALL_FILTER } from "./pages/calls/filter.ts";
import { InboxPage } from "./pages/inbox/inbox-page.tsx";
import { NotFound } from "./shell/not-found.tsx";
import { PageProblem } from "./shell/page-problem.tsx";
import { Shell } from "./shell/shell.tsx";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: PageProblem,
  validateSearch: ({ tenant }: Record<string, unknown>): { tenant?: string | undefined } => (typeof tenant === "string" ? { tenant } : {}),
  search: { middlewares: [retainSearchParams(["tenant"])] },
});

const inbox = createRoute({ getParentRoute: () => root, id: "inbox", component: InboxPage, validateSearch: textsOf(["agent", "rule"]) });

/** One line for each page. Its path stands in `src/paths.ts` as well: what is not there the broker does not answer. */
const routes = root.addChildren([
  inbox.addChildren([
    createRoute({ getParentRoute: () => inbox, path: path("/") }),
    createRoute({ getParentRoute: () => inbox, path: path("/approvals/$id") }),
  ]),
  createRoute({
    getParentRoute: () => root,
    path: path("/duty"),
    component: lazyRouteComponent(() => import("./pages/duty/duty-page.tsx"), "DutyPage"),
    validateSearch: textsOf(["tab", "days"]),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/notifications"),
    component: lazyRouteComponent(() => import("./pages/notifications/notifications-page.tsx"), "NotificationsPage"),
    validateSearch: textsOf(["state"]),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/elevations"),
    component: lazyRouteComponent(() => import("./pages/elevations/elevations-page.tsx"), "ElevationsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/elevations/$id"),
    component: lazyRouteComponent(() => import("./pages/elevations/elevation-page.tsx"), "ElevationPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/agents"),
    component: lazyRouteComponent(() => import("./pages/agents/agents-page.tsx"), "AgentsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/agents/$name"),
    component: lazyRouteComponent(() => import("./pages/agents/agent-page.tsx"), "AgentPage"),
    validateSearch: textsOf(["tab"]),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/matrix"),
    component: lazyRouteComponent(() => import("./pages/matrix/matrix-page.tsx"), "MatrixPage"),
    validateSearch: textsOf(["find", "tool", "effect", "verdict", "agent", "action"]),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/tools"),
    component: lazyRouteComponent(() => import("./pages/tools/tools-page.tsx"), "ToolsPage"),
    validateSearch: textsOf(["state"]),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/tools/$tool"),
    component: lazyRouteComponent(() => import("./pages/tools/tool-page.tsx"), "ToolPage"),
    validateSearch: textsOf(["name", "kind", "at"]),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/policy"),
    component: lazyRouteComponent(() => import("./pages/policy/policy-page.tsx"), "PolicyPage"),
    validateSearch: textsOf(["view", "file", "agent", "action"]),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/calls"),
    component: lazyRouteComponent(() => import("./pages/calls/calls-page.tsx"), "CallsPage"),
    validateSearch: textsOf(CALL_FILTER),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/calls/$id"),
    component: lazyRouteComponent(() => import("./pages/calls/call-page.tsx"), "CallPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/runs/$run"),
    component: lazyRouteComponent(() => import("./pages/log/run-page.tsx"), "RunPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/log"),
    component: lazyRouteComponent(() => import("./pages/log/log-page.tsx"), "LogPage"),
    validateSearch: textsOf(["tab", ...CALL_FILTER]),
  }),
  createRoute({
    getParentRoute: () => root,
    path: path("/overview"),
    component: lazyRouteComponent(() => import("./pages/overview/overview-page.tsx"), "OverviewPage"),
  }),
]);

export const router = createRouter({
  routeTree: routes,
  defaultPreload: false,
  scrollRestoration: false,
  parseSearch: parseSearchWith((value) => value),
  stringifySearch: stringifySearchWith(String),
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

function path<const P extends AppPath>(served: P): P {
  return served;
}

/** Reads these parameters of an address, when they are texts, and drops all others. */
export function textsOf<const Name extends string>(
  names: readonly Name[],
): (search: Record<string, unknown>) => { [name in Name]?: string | undefined } {
  return (search) => {
    const found: { [name in Name]?: string | undefined } = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === "string" && value !== "") found[name] = value;
    }
    return found;
  };
}
